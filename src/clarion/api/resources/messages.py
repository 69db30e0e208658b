"""Sending one message to one contact, at once and before all broadcasts."""

from typing import Any

from pydantic import Field, model_validator

from clarion.api.drafting import Content, MailIn, content_fields
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import chosen
from clarion.api.operations import Created, Rules, operation
from clarion.api.problems import wrong_field
from clarion.api.shown_messages import MessageOut, message_out
from clarion.api.types import Id, Input
from clarion.broadcasts import singles
from clarion.broadcasts.call_data import checked_data
from clarion.broadcasts.errors import CallError
from clarion.broadcasts.mail import stored_mail
from clarion.channels.models import Channel
from clarion.contacts.identities import look_up
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


@operation(
    AREA, "POST", "/messages", MessageOut,
    Rules("messages:write", repeatable=True, body=JSON), status=202,
)  # fmt: skip
def send_message(request: ApiRequest, body: MessageIn) -> Created:
    """Send a message to one contact

    It is sent before all broadcasts, and an open chat does not hold it: use it for what the contact
    waits for, such as a receipt or a code. Contacts who opted out of broadcasts still get it. A
    text or template is refused if one of its variables has no value for the contact.
    """
    address = _address(body)
    fields = content_fields(body.content)
    try:
        data = checked_data(body.data)
    except CallError as error:
        raise wrong_field("data", str(error)) from None
    mail = body.mail.model_dump(exclude_unset=True) if body.mail is not None else {}
    single = singles.send_filled(
        address,
        by=request.by,
        text=fields.get("text", ""),
        text_format=fields.get("format", TEXT),
        story=fields.get("story"),
        template=fields.get("template"),
        data=data,
        title=body.title,
        mail=stored_mail(mail),
    )
    message = message_out(single)
    return Created(message, message.status_url)


def _address(body: MessageIn) -> Address:
    number = body.chat_number
    if number is None:
        channel = chosen(Channel.objects.all(), body.channel_id, "channel_id")
        assert channel is not None
        assert body.user_id is not None
        match = look_up(channel, [body.user_id]).get(body.user_id)
        if match is None:
            text = f"No contact on {channel.name} has this user id. Create the contact first."
            raise wrong_field("user_id", text)
        number = match.address
    address = Address.objects.select_related("alias_of").filter(pk=number).first()
    if address is None:
        raise wrong_field("chat_number", f"There is no chat with the number {number}.")
    return address.alias_of or address
