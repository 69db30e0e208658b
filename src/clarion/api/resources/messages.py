"""Sending one message to one contact, at once and before all broadcasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from pydantic import Field, model_validator

from clarion.api.answers import Created, Rules
from clarion.api.drafting import Content, MailIn, content_fields
from clarion.api.guard import JSON, ApiRequest
from clarion.api.operations import operation
from clarion.api.problems import Problem, wrong_field
from clarion.api.shown_messages import MessageOut, queued_message
from clarion.api.types import Id, Input
from clarion.broadcasts.call_data import checked_data
from clarion.broadcasts.errors import CallError, SingleError
from clarion.broadcasts.mail import stored_mail
from clarion.broadcasts.singles import Single, send_filled
from clarion.channels.models import Channel
from clarion.contacts.identities import Match, look_up
from clarion.contacts.models import Address
from clarion.content.formats import TEXT

AREA = "Messages"


class MessageIn(Input):
    """A message, and the contact: by chat number, or by user id and channel."""

    chat_number: Id | None = None
    channel_id: Id | None = None
    user_id: str | None = Field(None, min_length=1, max_length=320)
    content: Content
    data: dict[str, Any] = Field(
        default_factory=dict, max_length=100, description="{{ data.x }} in the message"
    )
    title: str = Field("", max_length=200, description="Also the subject of an e-mail")
    mail: MailIn | None = Field(None, description="What only an e-mail has, such as attachments")

    @model_validator(mode="after")
    def _one_way(self) -> "MessageIn":
        if (self.chat_number is None) == (self.channel_id is None or self.user_id is None):
            raise ValueError("Name the contact by chat_number, or by channel_id and user_id.")
        return self


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that was read: the contact is looked up for several at once."""

    by: str
    body: MessageIn
    fields: dict[str, Any]  # what is sent, as Single has it


def send_together(wanted: Sequence[Wanted]) -> list[Created | Exception]:
    """Send several messages; return what each is answered, or why it is refused."""
    outcomes: dict[int, Created | Exception] = {}
    messages: dict[int, Single] = {}
    for index, (each, address) in enumerate(zip(wanted, _addresses(wanted), strict=True)):
        if isinstance(address, Problem):
            outcomes[index] = address
        else:
            messages[index] = Single(address, each.by, **each.fields)
    sent = send_filled(list(messages.values()))
    for (index, message), result in zip(messages.items(), sent, strict=True):
        outcomes[index] = (
            result
            if isinstance(result, SingleError)
            else queued_message(*result, message.address.pk)
        )
    return [outcomes[index] for index in range(len(wanted))]


@operation(
    AREA, "POST", "/messages", MessageOut,
    Rules("messages:write", repeatable=True, body=JSON), status=202, together=send_together,
)  # fmt: skip
def send_message(request: ApiRequest, body: MessageIn) -> Wanted:
    """Send a message to one contact

    It is sent before all broadcasts, and an open chat does not hold it: use it for what the contact
    waits for, such as a receipt or a code. Contacts who opted out of broadcasts still get it. A
    text or template is refused if one of its variables has no value for the contact.
    """
    content = content_fields(body.content)
    try:
        data = checked_data(body.data)
    except CallError as error:
        raise wrong_field("data", str(error)) from None
    mail = body.mail.model_dump(exclude_unset=True) if body.mail is not None else {}
    fields = {
        "text": content.get("text", ""),
        "text_format": content.get("format", TEXT),
        "story": content.get("story"),
        "template": content.get("template"),
        "data": data,
        "title": body.title,
        "mail": stored_mail(mail),
    }
    return Wanted(request.by, body, fields)


def _addresses(wanted: Sequence[Wanted]) -> list[Address | Problem]:
    """The address of each message, with its contact and channel; the problem where it has none."""
    numbers = _numbers([each.body for each in wanted])
    asked = [number for number in numbers if isinstance(number, int)]
    addresses = Address.objects.select_related("alias_of").in_bulk(asked)
    primary = {number: address.alias_of or address for number, address in addresses.items()}
    prefetch_related_objects(list(primary.values()), "contact", "channel")
    return [
        (primary.get(number) or _no_chat(number)) if isinstance(number, int) else number
        for number in numbers
    ]


def _no_chat(number: int) -> Problem:
    return wrong_field("chat_number", f"There is no chat with the number {number}.")


def _numbers(bodies: Sequence[MessageIn]) -> list[int | Problem]:
    """The chat number of each body, also where it names the contact by user id."""
    ids: dict[int, list[str]] = {}
    for body in bodies:
        if body.chat_number is None:
            ids.setdefault(body.channel_id or 0, []).append(body.user_id or "")
    channels = Channel.objects.in_bulk(ids) if ids else {}
    matches = {number: look_up(channel, ids[number]) for number, channel in channels.items()}
    return [body.chat_number or _by_user_id(body, channels, matches) for body in bodies]


def _by_user_id(
    body: MessageIn, channels: Mapping[int, Channel], matches: Mapping[int, Mapping[str, Match]]
) -> int | Problem:
    number, user_id = body.channel_id or 0, body.user_id or ""
    if number not in channels:
        return wrong_field("channel_id", f"There is no channel {number}.")
    if (match := matches[number].get(user_id)) is None:
        text = f"No contact on {channels[number].name} has this user id. Create the contact first."
        return wrong_field("user_id", text)
    return match.address
