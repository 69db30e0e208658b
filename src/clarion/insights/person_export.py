"""Everything that is stored about one contact, as one document: for the contact who asks for it.

Each part is what one table says about them; ids of other people are not among it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent, AuditEntry
from clarion.broadcasts.models import Broadcast, Firing
from clarion.chats.models import Chat, Message
from clarion.codes.models import Code, Redemption
from clarion.consents.models import Change, Grant
from clarion.contacts.identities import same_as
from clarion.contacts.models import Address, Contact, Tagging
from clarion.kit import clock, db
from clarion.records.audience import Recipient, receipts_of, recipients_of
from clarion.records.rows import RecordRow, read
from clarion.segments.models import Membership

Document = dict[str, Any]
_Rows = Sequence[Mapping[str, Any]]


def export_person(contact: Contact, *, by: Agent | str) -> Document:
    """All that the database has about a contact, by kind; moments are datetimes in UTC.

    The audit log gets an entry that it was exported.
    """
    own = Address.objects.filter(contact=contact)
    ids = same_as(list(own.values_list("pk", flat=True)))
    recipients = recipients_of(list(Broadcast.objects.values_list("pk", flat=True)), ids)
    document = {
        "exported_at": clock.now(),
        "contact": _one(contact),
        "addresses": _addresses(contact),
        "tags": _listed(Tagging.objects.filter(contact=contact), "tag__name", "created_at"),
        "segments": _listed(Membership.objects.filter(contact=contact), "segment__name"),
        "consents": _listed(Grant.objects.filter(contact=contact), "consent__name", "given", "at"),
        "consent_changes": _listed(
            Change.objects.filter(contact=contact),
            "consent__name", "consent__text", "given", "how", "agent__name", "at",
        ),
        "chats": _listed(Chat.objects.filter(pk__in=ids), "address_id", "state", "last_message_at"),
        "chat_messages": _listed(
            Message.objects.filter(chat__in=ids),
            "chat_id", "inbound", "text", "payload", "external_id", "agent__name", "at",
        ),
        "deliveries": [_delivery(recipient) for recipient in recipients],
        "records": [_record(row) for row in _records(ids)],
        "trigger_firings": _listed(
            Firing.objects.filter(contact=contact),
            "broadcast_id", "happened_at", "due_at", "data", "state", "reason",
        ),
        "codes": _listed(
            Code.objects.filter(contact=contact), "code", "pool__name", "issued_at", "redeemed"
        ),
        "redemptions": _listed(
            Redemption.objects.filter(contact=contact), "code__code", "at", "by", "undone_at"
        ),
        "changes_by_agents": _edits(contact, ids),
    }  # fmt: skip
    audit.note_export(f"contact {contact.pk}", by)
    return document


def _one(contact: Contact) -> Document:
    fields = ("id", "name", "language", "time_zone", "attributes", "created_at")
    return {name: getattr(contact, name) for name in fields}


def _addresses(contact: Contact) -> _Rows:
    rows = Address.objects.filter(contact=contact).select_related("channel", "suppression")
    return [
        {
            "chat": address.pk,
            "channel": address.channel.name,
            "kind": address.channel.kind,
            "user_id": address.user_id,
            "same_as": address.alias_of_id,
            "state": address.state,
            "state_at": address.state_at,
            "suppressed": address.suppression.reason if address.suppression else None,
            "has_written": address.has_written,
            "wrote_at": address.wrote_at,
            "created_at": address.created_at,
        }
        for address in rows.order_by("pk")
    ]


def _listed(rows: QuerySet[Any, Any], *fields: str) -> _Rows:
    """These fields of rows by id; those of another table under its name."""
    return [
        {name.replace("__name", "").replace("__", "_"): value for name, value in row.items()}
        for row in rows.order_by("pk").values(*fields)
    ]


def _records(address_ids: Sequence[int]) -> list[RecordRow]:
    return read(
        f"r.address_id {db.in_list()} ORDER BY r.recorded_at, r.id",
        [db.json_param([key] for key in address_ids)],
    )


def _delivery(recipient: Recipient) -> Document:
    return {
        "broadcast": recipient.broadcast_id,
        "chat": recipient.chat,
        "channel": recipient.channel,
        "state": recipient.state,
        "at": recipient.at,
        "attempts": recipient.attempts,
        "error": recipient.error,
        "receipts": [
            {"status": receipt.status, "at": receipt.at, "message": receipt.external_id}
            for receipt in receipts_of(recipient.delivery_id)
        ],
    }


def _record(row: RecordRow) -> Document:
    return {
        "broadcast": row.broadcast_id,
        "title": row.broadcast,
        "chat": row.chat,
        "channel": row.channel,
        "at": row.recorded_at,
        "status": row.status,
        "attempt": row.attempt,
        "error": row.error,
        "sent": [message.text for message in row.messages.sent],
        "not_sent": row.messages.attempted,
    }


def _edits(contact: Contact, address_ids: Sequence[int]) -> _Rows:
    subjects = [f"contact {contact.pk}"]
    subjects += [f"{noun} {key}" for key in address_ids for noun in ("address", "chat")]
    entries = AuditEntry.objects.filter(subject__in=subjects)
    return _listed(entries, "at", "actor", "action", "subject", "detail")
