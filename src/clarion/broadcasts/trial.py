"""Making the requests of a broadcast beforehand, as when sending: what a channel refuses.

A kind's ``request`` measures a message while it is sent. The same function is asked here, so that
“before” and “while” can't differ.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.template_fit import places
from clarion.broadcasts.versions import version_of
from clarion.channels.contract import ChannelKind, Outgoing, Template, Unsendable
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.codes.pools import sample
from clarion.contacts.models import Address
from clarion.content import media
from clarion.content.errors import ContentError
from clarion.content.preview import promised
from clarion.content.rendering import compile_text
from clarion.content.script import MessageStep, Script, compile_script
from clarion.kit.text import flat

_TRIED = 3  # people; an odd user id is no fault of the content


class Trial:
    """The messages of one broadcast, compiled once. Raises ContentError where they are wrong."""

    def __init__(self, broadcast: Broadcast) -> None:
        self._template = broadcast.template if _is_template(broadcast) else None
        self._places = (
            places(self._template, broadcast.channels.all())
            if self._template and broadcast.pk
            else ()
        )
        self._variables = [
            compile_text(text) for text in (self._template or {}).get("variables", ())
        ]
        self._data = broadcast.data
        self._code = "" if broadcast.code_pool is None else sample(broadcast.code_pool)
        version = version_of(broadcast)
        self._script = compile_script(version.blocks, load=media.measure) if version else Script(())

    def refused(self, channel: Channel) -> Iterator[tuple[int, str]]:
        """What the channel refuses whoever gets it: number of the block (0: no block), sentence.

        Empty while the channel has no people or its settings can't be used.
        """
        kind = _kind(channel)
        if kind is None:
            return
        people = Address.objects.filter(channel=channel, state="active").order_by("pk")
        tried = [address.user_id for address in people[:_TRIED]]
        for number, parts in self._messages(None, kind.limits.formats):
            sentences = [_refusal(kind, to, parts) for to in tried]
            if sentences and all(sentences):
                yield number, sentences[0]

    def refused_for(self, channel: Channel, to: str, contact: Mapping[str, Any]) -> str:
        """What the channel refuses for one person, as one sentence; empty where nothing."""
        kind = _kind(channel)
        if kind is None:
            return ""
        return next(
            (
                sentence
                for _, parts in self._messages(contact, kind.limits.formats)
                if (sentence := _refusal(kind, to, parts))
            ),
            "",
        )

    def _messages(
        self, contact: Mapping[str, Any] | None, formats: Collection[str]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each message as the parts of an Outgoing, with its number; None: for whoever gets it."""
        if self._template is not None:
            yield 0, {"text": "", "template": self._of_template(contact)}
        for number, step in enumerate(self._script.steps, 1):
            if not isinstance(step, MessageStep) or (contact is None and step.varies):
                continue
            try:
                person, variables = self._values(step.sources, contact)
                message = step.render(person, **variables).fitted(formats)
            except ContentError:
                continue  # said elsewhere
            yield (
                number,
                {
                    "text": message.text,
                    "media": message.media,
                    "buttons": message.buttons,
                    "format": message.format,
                },
            )

    def _of_template(self, contact: Mapping[str, Any] | None) -> Template:
        assert self._template is not None
        texts = []
        for text in self._variables:
            try:
                person, variables = self._values([text.source], contact)
                texts.append(flat(text.render(person, **variables)))
            except ContentError:
                texts.append("x")  # said elsewhere
        name, language = self._template.get("name", ""), self._template.get("language", "")
        return Template(name, language, tuple(texts), self._places)

    def _values(
        self, sources: Iterable[str], contact: Mapping[str, Any] | None
    ) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """The contact and the other variables; what is not known yet is one letter long."""
        names = {name for source in sources for name in compile_text(source).variables()}
        values: dict[str, Any] = dict(promised(names, lambda name: "x"))
        person = values.pop("contact")
        values["data"] |= self._data
        if self._code:
            values["code"] = self._code
        return person if contact is None else contact, values


def _is_template(broadcast: Broadcast) -> bool:
    return broadcast.data_type == Broadcast.DataType.TEMPLATE


def _kind(channel: Channel) -> ChannelKind | None:
    try:
        return adapter(channel)
    except ValueError:
        return None  # the channel's page says so


def _refusal(kind: ChannelKind, to: str, parts: Mapping[str, Any]) -> str:
    try:
        kind.request(Outgoing(id="trial", broadcast=0, to=to, **parts))
    except Unsendable as error:
        return str(error)
    return ""
