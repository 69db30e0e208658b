"""What a broadcast sends, as one contact would get it (B5)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clarion.broadcasts.content_fit import shows_title
from clarion.broadcasts.mail import mail_sources
from clarion.broadcasts.mail_bodies import body_of, text_of
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.versions import version_of
from clarion.channels.models import Channel
from clarion.codes.pools import sample
from clarion.contacts.models import Address
from clarion.content.errors import ContentError
from clarion.content.messages import Message
from clarion.content.preview import Shown, preview_story, promised
from clarion.content.rendering import compile_html, context_of
from clarion.kit.text import flat

Contact = Mapping[str, Any] | None


def preview(broadcast: Broadcast, address: Address | None) -> list[Shown]:
    """Its messages for the contact at this address; by the names of the variables for None.

    A text that can't be filled in is shown as it is written, beside what is wrong with it.
    """
    contact = context_of(address.contact, address) if address is not None else None
    match broadcast.data_type:
        case Broadcast.DataType.STORY:
            version = version_of(broadcast)
            blocks = version.blocks if version else []
            return preview_story(blocks, contact, _data(broadcast), _code(broadcast))
        case Broadcast.DataType.TEMPLATE:
            return _template(broadcast, contact)
    if not broadcast.text:
        return []
    try:
        return [_text(broadcast, text_of(broadcast), contact)]
    except ContentError as error:
        return [Shown(1, Message(broadcast.text), problem=str(error))]


def preview_page(broadcast: Broadcast, address: Address | None) -> str:
    """The HTML of its e-mails as this contact would get it. Raises ContentError."""
    body = body_of(broadcast)
    if body is None:
        return ""
    page = compile_html(body.html)
    values: dict[str, Any] = dict(promised(page.variables(), lambda name: f"‹{name}›"))
    by_name = values.pop("contact")
    values["data"] |= _data(broadcast)
    if code := _code(broadcast):
        values["code"] = code
    contact = context_of(address.contact, address) if address is not None else by_name
    return page.render(contact, **values)


def preview_head(
    broadcast: Broadcast, address: Address | None, channels: Sequence[Channel]
) -> dict[str, Shown]:
    """What this contact would see above its messages, as far as one of the channels shows it.

    By field: title, and of an e-mail those of ``MAIL_FIELDS``.
    """
    contact = context_of(address.contact, address) if address is not None else None
    sources = mail_sources(broadcast, channels)
    if broadcast.title and any(map(shows_title, channels)):
        sources = {"title": broadcast.title, **sources}
    return {name: _text(broadcast, source, contact) for name, source in sources.items()}


def _text(broadcast: Broadcast, text: str, contact: Contact) -> Shown:
    block = {"kind": "text", "text": text}
    (shown,) = preview_story([block], contact, _data(broadcast), _code(broadcast))
    return shown if shown.message else replace(shown, message=Message(text))


def _data(broadcast: Broadcast) -> dict[str, Any]:
    """What ``{{ data.x }}`` shows: what is known already, else the sample."""
    return {**broadcast.sample_data, **broadcast.data}


def _code(broadcast: Broadcast) -> str:
    return "" if broadcast.code_pool is None else sample(broadcast.code_pool)


def _template(broadcast: Broadcast, contact: Contact) -> list[Shown]:
    """Its name and its variables: the words around them are the provider's."""
    name = broadcast.template.get("name", "")
    if not name:
        return []
    lines, problems, lacking = [name], list[str](), ""
    for number, variable in enumerate(broadcast.template.get("variables", ()), 1):
        filled = _text(broadcast, variable, contact)
        lines.append(f"{number}. {flat(filled.message.text) if filled.message else ''}")
        problems += [filled.problem] if variable and filled.problem else []
        lacking = lacking or filled.variable
    return [Shown(1, Message("\n".join(lines)), problem=" ".join(problems), variable=lacking)]
