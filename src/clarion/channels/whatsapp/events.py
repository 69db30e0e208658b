"""What a callback of WhatsApp reports: statuses, messages of people, their preferences.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
and …/user_preferences. One callback carries up to a thousand updates, of several numbers of one
app; those of other numbers are left to their own channels.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from clarion.channels import payloads
from clarion.channels.contract import (
    Event,
    HookRequest,
    Ignored,
    Inbound,
    Moved,
    OptOut,
    Receipt,
    SamePerson,
)
from clarion.channels.graph.errors import code_of
from clarion.channels.keywords import with_requested_state
from clarion.channels.whatsapp import account
from clarion.channels.whatsapp.contents import content_of
from clarion.channels.whatsapp.errors import OPTED_OUT, Failure, failure
from clarion.channels.whatsapp.ids import SCOPED_ID, is_user_id
from clarion.channels.whatsapp.templates import CHANGES, change_of

_OBJECT = "whatsapp_business_account"
_STATUSES: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
}
_KNOWN = frozenset({"sent", *_STATUSES})
_OTHER_NUMBER = Ignored("An update is about another phone number of the same app.")
_OTHER_ACCOUNT = Ignored("An update is about another account of the same app.")
_WHICH_ACCOUNT = Ignored(
    "An update about an account has no effect: set the WhatsApp Business account id of the channel."
)
_NO_PERSON = Ignored("A message has no id, or no sender that can be a WhatsApp user.")
_PREFERENCES: dict[str, Literal["opted_out", "active"]] = {"stop": "opted_out", "resume": "active"}
_CHANGES = frozenset({"user_changed_number", "user_changed_user_id", "customer_changed_number"})
_MILLISECONDS = 10**12  # Meta was seen to send these in the place of seconds


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """What callbacks call the channel; an update of anything else is not its own."""

    number_id: str
    account_id: str = ""  # of the WhatsApp Business account; "": not known
    shown_number: str = ""  # the number's digits; "": not known


def events_of(hook: HookRequest, own: OwnAccount, secrets: Iterable[str]) -> list[Event]:
    """The events of one callback that are about a channel's number, or about its account.

    Raises ValueError with a sentence when it is no callback of WhatsApp at all.
    """
    body = payloads.object_of(hook.body)
    if body.get("object") != _OBJECT or not isinstance(body.get("entry"), list):
        raise ValueError("The callback is not one of a WhatsApp Business account.")
    events: list[Event] = []
    for entry, field, value in _values(body):
        if field in CHANGES or field in account.CHANGES:
            events += _account_events(payloads.identifier(entry.get("id")), field, value, own)
            continue
        metadata = payloads.part(value.get("metadata"))
        if payloads.identifier(metadata.get("phone_number_id")) not in ("", own.number_id):
            events.append(_OTHER_NUMBER)
            continue
        for error in payloads.objects(value.get("errors")):
            failed = failure(error, secrets)
            words = f"WhatsApp reported error {failed.code}: {failed.sentence}"
            events.append(Ignored(payloads.text(words, 200)))
        for status in payloads.objects(value.get("statuses")):
            events += _receipt_events(status, hook.received_at, secrets)
        people = _people(value)
        messages = payloads.objects(value.get("messages"))
        for message in messages:
            events += _message_events(message, people, hook.received_at)
        if not messages:  # beside statuses
            events += [
                event for person in set(people.values()) for event in _same_person(person.ids)
            ]
        for preference in payloads.objects(value.get("user_preferences")):
            events += _preference_events(preference, hook.received_at)
    return events


def _values(
    body: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """The entry, the field and the value of each change."""
    for entry in payloads.objects(body.get("entry")):
        for change in payloads.objects(entry.get("changes")):
            yield entry, payloads.text(change.get("field"), 60), payloads.part(change.get("value"))


def _account_events(
    account_id: str, field: str, value: Mapping[str, Any], own: OwnAccount
) -> Iterable[Event]:
    """What is reported of an account: all accounts of an app call the same webhook."""
    if not own.account_id:
        return [_WHICH_ACCOUNT]
    if account_id != own.account_id:
        return [_OTHER_ACCOUNT]
    if field in CHANGES:
        return [change_of(field, value)]
    return account.changes_of(field, value, own.shown_number)


@dataclass(frozen=True, slots=True)
class _Person:
    """One of the “contacts” of a change: who is behind it."""

    ids: tuple[str, ...] = ()
    name: str = ""


def _people(value: Mapping[str, Any]) -> dict[str, _Person]:
    """The people of a change, by each of their ids."""
    people = {}
    for contact in payloads.objects(value.get("contacts")):
        ids = person_ids(contact, "wa_id", "user_id", "parent_user_id")
        name = payloads.text(payloads.part(contact.get("profile")).get("name"), 200)
        people.update(dict.fromkeys(ids, _Person(ids, name)))
    return people


def _receipt_events(
    status: Mapping[str, Any], received_at: datetime, secrets: Iterable[str]
) -> Iterator[Event]:
    """The receipt of one message. “sent” is no news: it repeats the answer to our request."""
    ids = person_ids(status, "recipient_id", "recipient_user_id", "recipient_parent_user_id")
    yield from _same_person(ids)
    word = status.get("status")
    receipt_status = _STATUSES.get(word) if isinstance(word, str) else None
    external_id = payloads.identifier(status.get("id"))
    message_id = payloads.identifier(status.get("biz_opaque_callback_data"))
    if receipt_status is None or not (external_id or message_id):
        if not isinstance(word, str) or word not in _KNOWN:
            yield Ignored(f"A status “{payloads.text(word, 40)}” is not used.")
        return
    at = _moment(status.get("timestamp"), received_at)
    failed = Failure()
    if receipt_status == "failed":
        error = next(iter(payloads.objects(status.get("errors"))), {})
        failed = failure(error, secrets)
        if ids and code_of(error) == OPTED_OUT:
            yield OptOut(ids[0], "opted_out", at, believable(ids[1:]))
    yield Receipt(
        receipt_status, at, external_id or None, message_id or None, failed.sentence, failed.code,
        failed.unreachable,
    )  # fmt: skip


def _message_events(
    message: Mapping[str, Any], people: Mapping[str, _Person], received_at: datetime
) -> list[Event]:
    """What a person wrote, or sent instead. Messages in groups are ignored."""
    ids = person_ids(message, "from", "from_user_id", "from_parent_user_id")
    if message.get("type") == "system":
        return list(_changed_ids(message, ids))
    message_id = payloads.identifier(message.get("id"))
    content = content_of(message)
    person = next((people[user_id] for user_id in ids if user_id in people), _Person())
    ids = tuple(dict.fromkeys((*ids, *person.ids)))
    if message.get("group_id"):
        return [Ignored("A message in a group is not used.")]
    if not ids or not is_user_id(ids[0]) or not message_id:
        return [_NO_PERSON]
    return with_requested_state(
        Inbound(
            sender=ids[0],
            external_id=message_id,
            text=content.text,
            at=_moment(message.get("timestamp"), received_at),
            name=person.name,
            button=content.button,
            payload={"media": content.media} if content.media else {},
            aliases=believable(ids[1:]),
        )
    )


def _preference_events(preference: Mapping[str, Any], received_at: datetime) -> list[Event]:
    """What a person chose in WhatsApp itself: to stop, or to have again, this one's marketing."""
    value = preference.get("value")
    state = _PREFERENCES.get(value) if isinstance(value, str) else None
    ids = person_ids(preference, "wa_id", "user_id", "parent_user_id")
    if state is None or not ids or preference.get("category") != "marketing_messages":
        return [Ignored("A preference other than marketing messages is not used.")]
    at = _moment(preference.get("timestamp"), received_at)
    return [OptOut(ids[0], state, at, believable(ids[1:]))]


def _changed_ids(message: Mapping[str, Any], ids: tuple[str, ...]) -> Iterator[Event]:
    """A person has another phone number, and with it or without another business-scoped id.

    …/webhooks/reference/messages/system. ``from`` is the number before. A carrier gives numbers out
    again, so the old one is nobody's from now on; an old business-scoped id stays theirs. Before
    v12.0 the number stood in ``new_wa_id``.
    """
    system = payloads.part(message.get("system"))
    if system.get("type") not in _CHANGES:
        yield Ignored("A system message about something else than a changed number is not used.")
        return
    numbers = person_ids(system, "wa_id", "new_wa_id")
    scoped = person_ids(
        system, "user_id", "parent_user_id", "previous_user_id", "previous_parent_user_id"
    )
    ids = tuple(dict.fromkeys((*ids, *person_ids(system, "customer"), *scoped)))
    old = next((user_id for user_id in ids if not SCOPED_ID.fullmatch(user_id)), "")
    if is_user_id(old) and believable(numbers):
        others = believable(user_id for user_id in ids if user_id not in (old, numbers[0]))
        yield Moved(old, numbers[0], keeps_old=False, aliases=others)
    else:
        yield from _same_person((*ids, *numbers[:1]))


def _same_person(ids: Iterable[str]) -> list[Event]:
    believed = believable(ids)
    return [SamePerson(believed)] if len(believed) > 1 else []


def person_ids(part: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """Under which user ids a part of a payload names a person, each once, in the order of keys.

    First comes their phone number, unless they keep it to themselves.
    """
    ids = (payloads.identifier(part.get(key)) for key in keys)
    return tuple(dict.fromkeys(filter(None, ids)))


def believable(ids: Iterable[str]) -> tuple[str, ...]:
    """Those of these ids that can be somebody's: nobody is merged with a “0” or an “unknown”."""
    return tuple(user_id for user_id in ids if is_user_id(user_id))


def _moment(value: object, received_at: datetime) -> datetime:
    """When it happened: Unix seconds, which Meta writes as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
        value = value // 1000 if value >= _MILLISECONDS else value
    return payloads.moment(value, received_at)
