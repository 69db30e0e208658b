"""The words with which people opt out and opt in again."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal

from clarion.channels.contract import Event, Inbound, OptOut
from clarion.channels.keyword_lists import HELP, IN, OUT, OUT_TYPED, POLITE

State = Literal["opted_out", "active"]
LONGEST: Final = 200  # characters: a link into a bot carries up to 64 of its own
_START_WITH_PAYLOAD = re.compile(r"/start(@\w+)?\s+\S+")
_BOT_NAME = re.compile(r"^(/\w+)@\w+$")
_KEPT = ("L", "N")  # letters and numbers; everything else parts words
_IGNORED = ("M", "Cf")  # accents, and signs that nobody sees


def requested_state(
    text: str, own: Mapping[str, State] | None = None, *, typed: bool = True
) -> State | None:
    """The state that a message asks for by being one of these words, else None.

    Case, width, accents, punctuation, emoji, repetition and polite words around don't matter:
    “Stop!”, “/stop”, “STOP 🛑” and “stop please” opt out. Words inside a sentence mean nothing:
    “don't stop” must not silence anybody. ``own`` are the operator's words, folded, which come
    first. Some words count only if they are ``typed``.
    """
    if len(text) > LONGEST:
        return None
    if _START_WITH_PAYLOAD.fullmatch(text.strip()):
        return "active"
    words = fold(_BOT_NAME.sub(r"\1", text.strip())).split()
    words = [word for at, word in enumerate(words) if at == 0 or word != words[at - 1]]
    for phrase in (" ".join(words), " ".join(_without_polite(words))):
        state = (own or {}).get(phrase) or _built_in(typed).get(phrase)
        if state:
            return state
    return None


def asks_for_help(text: str) -> bool:
    """Whether a message asks for help by being one of these words, compared as the others."""
    if len(text) > LONGEST:
        return False
    words = fold(_BOT_NAME.sub(r"\1", text.strip())).split()
    return bool(words) and " ".join(_without_polite(words)) in _help_words()


@cache
def _help_words() -> frozenset[str]:
    return frozenset(fold(word) for word in _all(HELP))


def fold(text: str) -> str:
    """A text as it is compared: letters and numbers in lower case without accents, and spaces."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    letters = []
    for sign in plain:
        category = unicodedata.category(sign)
        if category[0] in _KEPT:
            letters.append(sign)
        elif category not in _IGNORED and category[0] not in _IGNORED:
            letters.append(" ")
    # The Turkish dotless i: nobody types it on a foreign keyboard.
    return " ".join(unicodedata.normalize("NFC", "".join(letters)).replace("ı", "i").split())


def with_requested_state(inbound: Inbound, own: Mapping[str, State] | None = None) -> list[Event]:
    """The message and, where it is one of these words, the change of state that it asks for.

    Of a pressed button the value counts, which is what it sends back, not its label.
    """
    state = requested_state(inbound.button or inbound.text, own, typed=not inbound.button)
    return [inbound] if state is None else [inbound, OptOut(inbound.sender, state, inbound.at)]


@cache
def _built_in(typed: bool) -> dict[str, State]:
    """The words of all languages, folded: a person's language is seldom known."""
    words: dict[str, State] = {fold(word): "active" for word in _all(IN)}
    words |= {fold(word): "opted_out" for word in _all(OUT)}
    if typed:
        words |= {fold(word): "opted_out" for word in _all(OUT_TYPED)}
    return words


def _all(lists: Mapping[str, Iterable[str]]) -> Iterable[str]:
    return (word for words in lists.values() for word in words)


def _without_polite(words: list[str]) -> list[str]:
    """The words without polite ones at the beginning and at the end."""
    polite = _polite()
    while words:
        first = next((p for p in polite if tuple(words[: len(p)]) == p), ())
        last = next((p for p in polite if tuple(words[-len(p) :]) == p), ())
        if not first and not last:
            break
        words = words[len(first) :] if first else words[: -len(last)]
    return words


@cache
def _polite() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(fold(phrase).split()) for phrase in POLITE)
