"""What a broadcast sends, as one contact would get it (B5)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clarion.broadcasts.content_fit import shows_title
from clarion.broadcasts.mail import mail_sources
from clarion.broadcasts.mail_bodies import body_of, text_of
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.template_fit import listed
from clarion.broadcasts.versions import version_of
from clarion.channels.fitting import is_address
from clarion.channels.models import Channel
from clarion.channels.templates.parts import TemplateParts, filled, names_in, parts_of
from clarion.codes.pools import sample
from clarion.contacts.models import Address
from clarion.content.errors import ContentError
from clarion.content.formats import TEXT
from clarion.content.messages import Message
from clarion.content.preview import Shown, preview_story, promised
from clarion.content.rendering import compile_html, context_of
from clarion.kit.markup.reading import FORMATS
from clarion.kit.parts import Button
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
        return [_text(broadcast, text_of(broadcast), contact, broadcast.format)]
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


def _text(broadcast: Broadcast, text: str, contact: Contact, written: str = TEXT) -> Shown:
    block = {"kind": "text", "text": text, "format": written if written in FORMATS else TEXT}
    (shown,) = preview_story([block], contact, _data(broadcast), _code(broadcast))
    return shown if shown.message else replace(shown, message=Message(text))


def _data(broadcast: Broadcast) -> dict[str, Any]:
    """What ``{{ data.x }}`` shows: what is known already, else the sample."""
    return {**broadcast.sample_data, **broadcast.data}


def _code(broadcast: Broadcast) -> str:
    return "" if broadcast.code_pool is None else sample(broadcast.code_pool)


def _template(broadcast: Broadcast, contact: Contact) -> list[Shown]:
    """What the provider's list says that it says; else its name and its variables."""
    name = broadcast.template.get("name", "")
    if not name:
        return []
    values, problems, lacking = list[str](), list[str](), ""
    for variable in broadcast.template.get("variables", ()):
        rendered = _text(broadcast, variable, contact)
        values.append(flat(rendered.message.text) if rendered.message else "")
        problems += [rendered.problem] if variable and rendered.problem else []
        lacking = lacking or rendered.variable
    row = listed(broadcast.template, broadcast.channels.all()) if broadcast.pk else None
    message = Message("\n".join([name, *(f"{n}. {v}" for n, v in enumerate(values, 1))]))
    if row is not None:
        message = _as_listed(parts_of(row.components), values)
    return [Shown(1, message, problem=" ".join(problems), variable=lacking)]


def _as_listed(parts: TemplateParts, values: Sequence[str]) -> Message:
    """A template with these values in the places that it has, in their order."""
    left = iter(values)
    media = f"[{parts.header_media}: {next(left, '')}]" if parts.header_media else ""
    header = filled(parts.header, {name: next(left, "") for name in parts.header_variables})
    body = filled(parts.body, {name: next(left, "") for name in parts.body_variables})
    lines = [line for line in (media, header, body, parts.footer) if line]
    buttons = []
    for button in parts.buttons:
        value = next(left, "") if button.variable else ""
        url = filled(button.url, dict.fromkeys(names_in(button.url), value))
        label = button.label or value
        shown = url if is_address(url) else ""
        buttons.append(Button("link", label, shown) if shown else Button("reply", label, value))
    return Message("\n".join(lines), buttons=tuple(buttons))
