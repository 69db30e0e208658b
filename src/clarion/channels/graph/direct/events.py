"""What a callback about direct messages reports.

{"object", "entry": [{"id", "time", "messaging": [{"sender", "recipient", "timestamp", …}]}]}:
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks and
…/instagram-messaging/webhooks. An app has one webhook URL for all of its accounts: what is about
another one is left to its own channel.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from clarion.channels import payloads
from clarion.channels.contract import (
    Event,
    HookRequest,
    Ignored,
    Inbound,
    OptOut,
    Receipt,
    SeenUntil,
)
from clarion.channels.graph.direct.contents import Content, content_of, reaction_of
from clarion.channels.graph.direct.ids import is_scoped_id
from clarion.channels.keywords import with_requested_state

_OTHER_ACCOUNT = Ignored("An event is about another account of the same app.")
_NO_PERSON = Ignored("A message has no id, or no sender that can be a person.")
_STANDBY = Ignored("An event of a conversation that another app controls is not used.")
_ECHO = Ignored("The echo of a message that this account sent is not used.")
_DELETED = Ignored("That a person deleted a message is not used.")
_UNREACTED = Ignored("That a person took a reaction back is not used.")
_UNKNOWN = Ignored("An event other than messages, buttons, reactions and receipts is not used.")
_NOTIFICATIONS: dict[str, Literal["opted_out", "active"]] = {
    "STOP_NOTIFICATIONS": "opted_out",
    "RESUME_NOTIFICATIONS": "active",
}
_Item = Mapping[str, Any]


def events_of(hook: HookRequest, about: str, account: str) -> list[Event]:
    """The events of one callback that concern the account with this id.

    ``about``: what it must be about, as Meta calls it. Raises ValueError with a sentence when it is
    no callback about that at all.
    """
    body = payloads.object_of(hook.body)
    if body.get("object") != about or not isinstance(body.get("entry"), list):
        raise ValueError("The callback is not about messages of this kind of account.")
    events: list[Event] = []
    for entry in payloads.objects(body.get("entry")):
        items = payloads.objects(entry.get("messaging"))
        standby = payloads.objects(entry.get("standby"))
        if payloads.identifier(entry.get("id")) not in ("", account):
            events += [_OTHER_ACCOUNT] if items or standby else []
            continue
        events += [_STANDBY] * len(standby)
        for item in items:
            events += _events(item, hook.received_at)
    return events


def _events(item: _Item, received_at: datetime) -> list[Event]:
    message = payloads.part(item.get("message"))
    if message.get("is_echo") is True:
        return [_ECHO]
    if message.get("is_deleted") is True:
        return [_DELETED]
    sender = payloads.identifier(payloads.part(item.get("sender")).get("id"))
    at = _moment(item.get("timestamp"), received_at)
    if not is_scoped_id(sender):
        return [_NO_PERSON]
    if message:
        return _written(sender, message.get("mid"), content_of(message), at)
    if postback := payloads.part(item.get("postback")):
        title, value = payloads.text(postback.get("title")), postback.get("payload")
        content = Content(title, payloads.text(value, 1_000), "" if value else "button")
        return _written(sender, postback.get("mid") or f"postback-{_stamp(at)}", content, at)
    if reaction := payloads.part(item.get("reaction")):
        return _reacted(sender, reaction, at)
    if delivery := payloads.part(item.get("delivery")):
        return list(_delivered(sender, delivery, at, received_at))
    if read := payloads.part(item.get("read")):
        return list(_read(sender, read, at, received_at))
    return [_other(sender, item, at)]


def _written(sender: str, mid: object, content: Content, at: datetime) -> list[Event]:
    message_id = payloads.identifier(mid)
    if not message_id:
        return [_NO_PERSON]
    payload = {"media": content.media} if content.media else {}
    return with_requested_state(
        Inbound(sender, message_id, content.text, at, button=content.button, payload=payload)
    )


def _reacted(sender: str, reaction: _Item, at: datetime) -> list[Event]:
    """A reaction is a message of its own: it opens the window again, as a text does."""
    if reaction.get("action") != "react":
        return [_UNREACTED]
    mid = payloads.identifier(reaction.get("mid"))
    content = reaction_of(reaction)
    ident = f"reaction-{_stamp(at)}-{mid[-150:]}"
    return [Inbound(sender, ident, content.text, at, payload={"media": content.media})]


def _delivered(
    sender: str, delivery: _Item, at: datetime, received_at: datetime
) -> Iterator[Event]:
    """Names each message, or says up to when; the former is more exact."""
    mids = delivery.get("mids")
    ids = [payloads.identifier(mid) for mid in mids] if isinstance(mids, list) else []
    named = [Receipt("delivered", at, mid) for mid in ids if mid]
    yield from named
    if not named:
        yield from _until(sender, "delivered", delivery, at, received_at)


def _read(sender: str, read: _Item, at: datetime, received_at: datetime) -> Iterator[Event]:
    if mid := payloads.identifier(read.get("mid")):
        yield Receipt("read", at, mid)
        return
    yield from _until(sender, "read", read, at, received_at)


def _until(
    sender: str, status: Literal["delivered", "read"], part: _Item, at: datetime, received: datetime
) -> Iterator[Event]:
    if isinstance(part.get("watermark"), int):
        yield SeenUntil(sender, status, _moment(part["watermark"], received), at)
    else:
        yield _UNKNOWN


def _other(sender: str, item: _Item, at: datetime) -> Event:
    """An opt-out of marketing messages, or nothing that is used."""
    optin = payloads.part(item.get("optin"))
    status = optin.get("notification_messages_status")
    state = _NOTIFICATIONS.get(status) if isinstance(status, str) else None
    if state is not None:
        return OptOut(sender, state, at)
    policy = payloads.part(item.get("policy_enforcement") or item.get("policy-enforcement"))
    if words := payloads.text(policy.get("reason"), 150):
        return Ignored(f"Meta enforces a policy on this account: {words}.")
    return _UNKNOWN


def _moment(value: object, received_at: datetime) -> datetime:
    """When it happened: Unix milliseconds, exactly."""
    if not isinstance(value, int) or isinstance(value, bool):
        return received_at
    seconds, rest = divmod(value, 1_000)
    moment = payloads.moment(seconds, received_at)
    return min(moment.replace(microsecond=rest * 1_000), received_at)


def _stamp(at: datetime) -> int:
    return round(at.timestamp() * 1_000)
