"""The operator's own words with which people opt out and in, beside the built-in ones."""

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.errors import ChannelError
from clarion.channels.keywords import State, fold, requested_state
from clarion.channels.limits import LONGEST_WORD
from clarion.channels.models import Keyword

MOST: Final = 500  # words
_MEANING: Final[dict[State, str]] = {"opted_out": "opts contacts out", "active": "opts contacts in"}


def own_words() -> dict[str, State]:
    """The state that each word asks for, by the folded word."""
    rows = Keyword.objects.values_list("folded", "state")
    return {folded: "active" if state == "active" else "opted_out" for folded, state in rows}


def listed() -> list[Keyword]:
    """All own words, in the order of the alphabet."""
    return list(Keyword.objects.order_by("folded"))


def add(words: Iterable[str], state: State, by: Agent | str) -> list[Keyword]:
    """Add words; return those that were not there. Raises ChannelError with a sentence."""
    with transaction.atomic():
        wanted = {keyword.folded: keyword for keyword in _checked(words, state)}
        existing = {keyword.folded: keyword for keyword in listed()}
        for folded in wanted.keys() & existing.keys():
            if existing[folded].state != state:
                raise ChannelError(_taken(existing[folded].written, _MEANING[_other(state)]))
        new = [wanted[folded] for folded in wanted if folded not in existing]
        if len(existing) + len(new) > MOST:
            raise ChannelError(f"There can be {MOST} words of your own. Remove some.")
        Keyword.objects.bulk_create(new)
        if new:
            audit.note("keyword.add", "keywords", by, words=[k.written for k in new], state=state)
    return new


def remove(words: Iterable[str], by: Agent | str) -> list[str]:
    """Remove words; return those that were there. Words that are built in stay."""
    with transaction.atomic():
        keywords = Keyword.objects.filter(folded__in=[fold(word) for word in words])
        written = list(keywords.order_by("folded").values_list("written", flat=True))
        keywords.delete()
        if written:
            audit.note("keyword.remove", "keywords", by, words=written)
    return written


def replace(opt_out: Iterable[str], opt_in: Iterable[str], by: Agent | str) -> None:
    """Have these own words and no others. Raises ChannelError, with nothing changed."""
    lists: dict[State, list[str]] = {"opted_out": list(opt_out), "active": list(opt_in)}
    kept = {(fold(word), state) for state, words in lists.items() for word in words}
    with transaction.atomic():
        remove([k.written for k in listed() if (k.folded, k.state) not in kept], by)
        for state, words in lists.items():
            add(words, state, by)


def _checked(words: Iterable[str], state: State) -> list[Keyword]:
    keywords = []
    for word in words:
        written = " ".join(word.split())
        folded = fold(written)
        if not folded:
            raise ChannelError(f"“{written}” has no letters or numbers. Write a word.")
        if max(len(written), len(folded)) > LONGEST_WORD:
            raise ChannelError(
                f"“{written[:30]}…” is too long. A word has at most {LONGEST_WORD} characters."
            )
        built_in = requested_state(written)
        if built_in is not None and built_in != state:
            raise ChannelError(_taken(written, _MEANING[built_in]))
        keywords.append(Keyword(folded=folded, written=written, state=state))
    return keywords


def _other(state: State) -> State:
    return "active" if state == "opted_out" else "opted_out"


def _taken(word: str, meaning: str) -> str:
    return f"“{word}” {meaning} already. Choose another word."
