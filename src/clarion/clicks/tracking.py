"""Tracked links in the place of those that are written in a message.

Before anything is rendered, each link of a source gets a mark in its place (``Tracking.mark``). The
mark passes through rendering as any text does, with the link's variables inside it, and becomes the
tracked link of one delivery behind it (``Tracking.fill``). So it is always known which link was
meant, however it reads for this person.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape, unescape
from typing import Any, Final

from django.conf import settings

from clarion.clicks import tokens
from clarion.content.links import WrittenLink, find_links, location, split_target, whole_link
from clarion.content.messages import Message
from clarion.kit import ids
from clarion.kit.markup.reading import FORMATS
from clarion.kit.parts import Button

# The fields of a story's block in which links are tracked. The address of a picture or a file is
# none: it is fetched by the provider.
_TEXTS: Final = ("text", "caption")
# The longest that ids become in practice, for telling a length beforehand.
HIGHEST_DELIVERY: Final = 2**35 - 1
_HIGHEST_LINK: Final = 2**21 - 1


class Address(str):
    """The address of a link button: it is one link as a whole, or none that can be tracked."""

    __slots__ = ()


def links_in(sources: Iterable[str]) -> list[WrittenLink]:
    """The links of these texts that can be tracked, in order.

    Not those whose host comes from a variable, and none to this server itself: unsubscribe links
    and pages for contacts do their work without being counted.
    """
    return [link for source in sources for link in _links(source) if is_tracked(link)]


def _links(source: str) -> Iterable[WrittenLink]:
    if not isinstance(source, Address):
        return find_links(source)
    link = whole_link(source)
    return [] if link is None else [link]


def is_tracked(link: WrittenLink) -> bool:
    """Whether a link becomes a tracked one."""
    own = settings.CLARION.public_url.rstrip("/").lower()
    target = link.target.lower()
    is_own = bool(own) and (target == own or target.startswith((f"{own}/", f"{own}?", f"{own}#")))
    return link.is_fixed_place and not is_own


def sources_in(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """The texts of a story's blocks, as they are stored, in which links are tracked."""
    return [source for block in blocks for source in _each_source(block)]


def _each_source(block: Mapping[str, Any]) -> list[str]:
    buttons = [button for button in block.get("buttons", ()) if button.get("kind") == "link"]
    links = [Address(button["value"]) for button in buttons]
    return [*(block[name] for name in _texts_of(block)), *links]


def _texts_of(block: Mapping[str, Any]) -> list[str]:
    """The names of the texts in which links are found: in markup they are more than a URL."""
    if block.get("format") in FORMATS:
        return []
    return [name for name in _TEXTS if block.get(name)]


def as_sent(source: str) -> str:
    """A text as long as it is when it is sent with tracked links, if they have no values."""
    url = f"{tokens.base()}{tokens.make_token(HIGHEST_DELIVERY, _HIGHEST_LINK)}"
    return _replaced(source, lambda _: url)


class Tracking:
    """Marks the links of one broadcast, and fills the marks in for each delivery."""

    def __init__(self, ids_of: Mapping[str, int]) -> None:
        """``ids_of``: the id of each target, as ``clicks.links.number_links`` gives them."""
        self._ids = ids_of
        self._targets = {number: target for target, number in ids_of.items()}
        self._base = tokens.base()
        # Nobody can know it, so that nothing that a person has written is taken for a mark.
        self._secret = ids.token(12)
        self._mark = re.compile(
            rf"http://{self._secret}/(\d+)(?:;|:(.*?){self._secret};)", re.DOTALL
        )

    def mark(self, source: str) -> str:
        """The source with marks in the place of its tracked links."""
        return _replaced(source, self._mark_of)

    def mark_blocks(self, blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The stored blocks of a story with marks in the place of their tracked links."""
        return [self._marked(block) for block in blocks]

    def mark_link(self, target: str) -> str:
        """The mark of a link of its own, such as one in HTML; the target where it has none."""
        return self.mark(Address(target))

    def fill(self, text: str, delivery: int, *, html: bool = False) -> str:
        """A rendered text with this delivery's tracked links in the place of the marks.

        ``html``: values in it are escaped.
        """
        if self._secret not in text:
            return text
        return self._mark.sub(lambda match: self._link(match, delivery, html=html), text)

    def fill_message(self, message: Message, delivery: int) -> Message:
        """A rendered message of a story, its text and its link buttons filled in."""
        buttons = tuple(
            Button(button.kind, button.label, self.fill(button.value, delivery))
            if button.kind == "link"
            else button
            for button in message.buttons
        )
        return replace(message, text=self.fill(message.text, delivery), buttons=buttons)

    def _marked(self, block: Mapping[str, Any]) -> dict[str, Any]:
        marked = dict(block)
        for name in _texts_of(block):
            marked[name] = self.mark(block[name])
        if "buttons" in block:
            marked["buttons"] = [
                {**button, "value": self.mark(Address(button["value"]))}
                if button.get("kind") == "link"
                else button
                for button in block["buttons"]
            ]
        return marked

    def _mark_of(self, link: WrittenLink) -> str:
        _, variables = split_target(link.target)
        number = self._ids[link.target]
        if not variables:
            return f"http://{self._secret}/{number};"
        values = f"{self._secret},".join(variables)
        return f"http://{self._secret}/{number}:{values}{self._secret};"

    def _link(self, match: "re.Match[str]", delivery: int, *, html: bool) -> str:
        number, written = int(match[1]), match[2]
        if html and written is not None:
            written = unescape(written)
        values = [] if written is None else written.split(f"{self._secret},")
        token = tokens.make_token(delivery, number, values)
        if len(token) > tokens.LONGEST:
            target = location(self._targets[number], values)
            return escape(target) if html else target
        return f"{self._base}{token}"


def sample_tracking(targets: Iterable[str]) -> Tracking:
    """Tracking that stores nothing, whose links are as long as they become in practice.

    They lead nowhere: it is for messages that are not sent. Fill in ``HIGHEST_DELIVERY``.
    """
    return Tracking({target: _HIGHEST_LINK - n for n, target in enumerate(sorted(targets))})


def _replaced(source: str, replace: Callable[[WrittenLink], str]) -> str:
    pieces, end = list[str](), 0
    for link in _links(source):
        if is_tracked(link):
            pieces += (source[end : link.start], replace(link))
            end = link.end
    return "".join([*pieces, source[end:]]) if pieces else source
