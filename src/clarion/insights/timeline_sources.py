"""What a contact's timeline is made of: one function for each kind of thing that happens.

Each returns its lines from a place on, newest first, as many as asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Broadcast
from clarion.consents.models import Change
from clarion.contacts.states import AddressState, explain
from clarion.insights.edits import changes_in_words
from clarion.kit import clock, db
from clarion.kit.paging import Key
from clarion.records.rows import RecordRow, read

_KINDS: Final = "'broadcast', 'external', 'trigger'"  # not singles, which are many
_LEARNED: Final = (_lazy("Address added"), _lazy("Another user id learned"))
_EDITS: Final[Mapping[str, Any]] = {
    "contact.edit": _lazy("Edited"),
    "contact.add_address": _lazy("Address added by hand"),
    "contacts.merge": _lazy("Merged with another contact"),
    "contacts.unmerge": _lazy("Merge undone"),
    "address.mark": _lazy("Address marked by hand"),
}


@dataclass(frozen=True, slots=True)
class ContactIds:
    """What is a contact's: its id, and those of its addresses, former ones included."""

    contact: int
    addresses: tuple[int, ...]

    @property
    def packed(self) -> str:
        """The addresses as the parameter of ``db.in_list``."""
        return db.json_param([key] for key in self.addresses)


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: before (moment in µs, id); and between which moments, and how many."""

    before: int
    number: int
    since: datetime | None
    until: datetime | None
    limit: int

    def sql(self, at: str, key: str) -> tuple[str, list[Any]]:
        """The condition, the order and the limit, and their parameters."""
        where = f"({at} < %s OR ({at} = %s AND {key} < %s))"
        params: list[Any] = [self.before, self.before, self.number]
        for sign, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                where += f" AND {at} {sign} %s"
                params.append(clock.to_us(moment))
        return f"{where} ORDER BY {at} DESC, {key} DESC LIMIT %s", [*params, self.limit]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    ``key`` is what the list is sorted by: the moment in µs, the rank of its kind, its id there.
    """

    key: Key
    what: str  # its kind: a key of web.timeline_words.ICONS
    title: str
    text: str = ""  # what was said, sent, or why not
    tone: str = "calm"  # good, warn, bad, busy, plan or calm
    actor: str = ""
    channel: str = ""
    broadcast: int | None = None
    broadcast_title: str = ""
    record: int | None = None
    chat: int | None = None
    state: str = ""  # of the delivery, where it is about one

    @property
    def at(self) -> datetime:
        """When it happened."""
        return clock.from_us(self.key[0])

    def ranked(self, rank: int) -> "Line":
        """The same, as one of the kind with that rank."""
        return replace(self, key=(self.key[0], rank, self.key[2]))


def beginning(ids: ContactIds, start: Start) -> list[Line]:
    """The contact was added."""
    rows = rows_of("c.id", "contacts_contact c", "c.id = %s", [ids.contact], "c.created_at", start)
    return [Line(key_of(row), "added", _("Contact added")) for row in rows]


def addresses(ids: ContactIds, start: Start) -> list[Line]:
    """An address of ids was added."""
    rows = rows_of(
        "a.id, coalesce(nullif(a.written, ''), a.value), h.name, a.alias_of_id IS NOT NULL",
        "contacts_address a JOIN channels_channel h ON h.id = a.channel_id",
        "a.contact_id = %s", [ids.contact], "a.created_at", start,
    )  # fmt: skip
    return [
        Line(key_of(row), "address", str(_LEARNED[row[4]]), row[2], channel=row[3]) for row in rows
    ]


def address_states(ids: ContactIds, start: Start) -> list[Line]:
    """An address is in the state that it is in now since then."""
    rows = rows_of(
        "a.id, a.state, h.name",
        "contacts_address a JOIN channels_channel h ON h.id = a.channel_id",
        "a.contact_id = %s AND a.alias_of_id IS NULL AND a.state_at IS NOT NULL",
        [ids.contact], "a.state_at", start,
    )  # fmt: skip
    return [
        Line(
            key_of(row),
            "state",
            str(AddressState(row[2]).label),
            explain(row[2]),
            tone="good" if row[2] == AddressState.ACTIVE else "warn",
            channel=row[3],
            chat=row[1],
        )
        for row in rows
    ]


def tags(ids: ContactIds, start: Start) -> list[Line]:
    """A tag that they have was assigned."""
    rows = rows_of(
        "g.id, t.name", "contacts_tagging g JOIN contacts_tag t ON t.id = g.tag_id",
        "g.contact_id = %s", [ids.contact], "g.created_at", start,
    )  # fmt: skip
    return [Line(key_of(row), "tag", _("Tag assigned"), row[2]) for row in rows]


def edits(ids: ContactIds, start: Start) -> list[Line]:
    """Agents, and Clarion by itself, changed something of ids."""
    subjects = [f"contact {ids.contact}"]
    subjects += [f"address {key}" for key in ids.addresses]  # chats have notes of their own
    rows = rows_of(
        "e.id", "accounts_auditentry e", f"e.subject {db.in_list('text')}",
        [db.json_param([subject] for subject in subjects)], "e.at", start,
    )  # fmt: skip
    entries = AuditEntry.objects.in_bulk([row[1] for row in rows])
    return [
        Line(
            key_of(row),
            "edit",
            str(_EDITS.get(entry.action, entry.action)),
            _detail(entry),
            actor=entry.actor,
        )
        for row in rows
        if (entry := entries.get(row[1]))
    ]


def _detail(entry: AuditEntry) -> str:
    """What an entry says beside its title."""
    if entry.action == "contacts.merge" and "gone" in entry.detail:
        other: int = entry.detail["gone"]
        return _("Contact %s was merged into this one.") % other
    return changes_in_words(entry.detail)


def consents(ids: ContactIds, start: Start) -> list[Line]:
    """A consent was given or withdrawn."""
    rows = rows_of(
        "k.id, n.name, k.given, k.how, coalesce(g.name, '')",
        "consents_change k JOIN consents_consent n ON n.id = k.consent_id "
        "LEFT JOIN accounts_agent g ON g.id = k.agent_id",
        "k.contact_id = %s", [ids.contact], "k.at", start,
    )  # fmt: skip
    return [
        Line(
            key_of(row),
            "consent",
            _("Consent given") if row[3] else _("Consent withdrawn"),
            row[2],
            tone="good" if row[3] else "warn",
            actor=row[5] or str(Change.How(row[4]).label),
        )
        for row in rows
    ]


def firings(ids: ContactIds, start: Start) -> list[Line]:
    """A trigger fired for them, and nothing was sent."""
    rows = rows_of(
        "f.id, f.broadcast_id, b.title, f.reason",
        "broadcasts_firing f JOIN broadcasts_broadcast b ON b.id = f.broadcast_id",
        "f.contact_id = %s AND f.state = 'dropped' AND b.deleted_at IS NULL",
        [ids.contact], "f.due_at", start,
    )  # fmt: skip
    return [
        Line(
            key_of(row),
            "not_sent",
            _("Trigger fired, nothing sent"),
            row[4],
            tone="warn",
            broadcast=row[2],
            broadcast_title=row[3],
        )
        for row in rows
    ]


def deliveries(ids: ContactIds, start: Start) -> list[Line]:
    """Their place in a broadcast of which nothing has been attempted.

    Each broadcast is a look-up in the index of deliveries; singles have a record at once.
    """
    of_them = f"d.broadcast_id = b.id AND d.address_id {db.in_list()}"
    rows = rows_of(
        "d.id, b.id, b.title, h.name, d.state, coalesce(o.text, '')",
        f"broadcasts_broadcast b {db.lateral_join('records_delivery', 'd', of_them)} "
        "JOIN channels_channel h ON h.id = d.channel_id "
        "LEFT JOIN records_reason o ON o.id = d.reason_id",
        f"b.type IN ({_KINDS}) AND b.deleted_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM records_record r "
        "WHERE r.address_id = d.address_id AND r.delivery_id = d.id)",
        [ids.packed], "d.moved_at", start,
    )  # fmt: skip
    return [
        Line(
            key_of(row),
            "waiting" if row[5] in {"queued", "held", "sending"} else "not_sent",
            _("Recipient of a broadcast"),
            row[6],
            tone="busy" if row[5] in {"queued", "sending"} else "warn",
            channel=row[4],
            broadcast=row[2],
            broadcast_title=row[3],
            state=row[5],
        )
        for row in rows
    ]


def messages_sent(ids: ContactIds, start: Start) -> list[Line]:
    """A message was sent to them."""
    return _of_records(ids, start, "completed")


def attempts_failed(ids: ContactIds, start: Start) -> list[Line]:
    """An attempt to send them a message failed."""
    return _of_records(ids, start, "error")


def chat_messages(ids: ContactIds, start: Start) -> list[Line]:
    """They wrote something, or something happened to the chat."""
    rows = rows_of(
        "m.id, m.chat_id, m.inbound, m.text, h.name, coalesce(g.name, '')",
        "chats_message m JOIN contacts_address a ON a.id = m.chat_id "
        "JOIN channels_channel h ON h.id = a.channel_id "
        "LEFT JOIN accounts_agent g ON g.id = m.agent_id",
        f"m.chat_id {db.in_list()}", [ids.packed], "m.at", start,
    )  # fmt: skip
    return [
        Line(
            key_of(row),
            "wrote" if row[3] else "chat",
            _("Message received") if row[3] else _("In the chat"),
            row[4],
            tone="plan" if row[3] else "calm",
            actor=row[6],
            channel=row[5],
            chat=row[2],
        )
        for row in rows
    ]


def codes(ids: ContactIds, start: Start) -> list[Line]:
    """A code was issued to them."""
    rows = rows_of(
        "k.id, k.code, p.name, b.id, coalesce(b.title, '')",
        "codes_code k JOIN codes_codepool p ON p.id = k.pool_id "
        "LEFT JOIN broadcasts_broadcast b ON b.id = k.chain AND b.deleted_at IS NULL",
        "k.contact_id = %s AND k.issued_at IS NOT NULL",
        [ids.contact], "k.issued_at", start,
    )  # fmt: skip
    return [
        Line(
            key_of(row),
            "code",
            _("Code issued"),
            f"{row[2]} ({row[3]})",
            broadcast=row[4],
            broadcast_title=row[5],
        )
        for row in rows
    ]


def redemptions(ids: ContactIds, start: Start) -> list[Line]:
    """They redeemed a code, or somebody did with ids."""
    return _of_redemptions(ids, start, "r.at", _("Code redeemed"), "r.by", "good")


def redemptions_undone(ids: ContactIds, start: Start) -> list[Line]:
    """Such a redemption was undone."""
    title = _("Redemption undone")
    return _of_redemptions(ids, start, "r.undone_at", title, "r.undone_by", "warn")


def _of_redemptions(
    ids: ContactIds, start: Start, at: str, title: str, by: str, tone: str
) -> list[Line]:
    whose = (
        "r.id IN (SELECT own.id FROM codes_redemption own WHERE own.contact_id = %s UNION "
        "SELECT held.id FROM codes_code x JOIN codes_redemption held ON held.code_id = x.id "
        f"WHERE x.contact_id = %s) AND {at} IS NOT NULL"
    )
    rows = rows_of(
        f"r.id, k.code, {by}", "codes_redemption r JOIN codes_code k ON k.id = r.code_id",
        whose, [ids.contact, ids.contact], at, start,
    )  # fmt: skip
    return [Line(key_of(row), "code", title, row[2], tone=tone, actor=row[3]) for row in rows]


def _of_records(ids: ContactIds, start: Start, status: str) -> list[Line]:
    beyond, params = start.sql("r.recorded_at", "r.id")
    records = read(
        f"r.address_id {db.in_list()} AND r.status = '{status}' AND {beyond}",
        [ids.packed, *params],
    )
    senders, states = _senders(records), _states(records)
    return [_record_line(row, *senders.get(row.broadcast_id, ("", "")), states) for row in records]


def _record_line(row: RecordRow, type_: str, agent: str, states: Mapping[int, str]) -> Line:
    title, text, tone = _("Message sent"), row.messages.text, "good"
    if row.in_doubt:
        title, text, tone = _("May or may not have been sent"), row.error, "warn"
    elif row.messages.failed_later:
        title, text, tone = _("Sent, then reported as failed"), row.error, "bad"
    elif row.status == "error":
        title, text, tone = _("Attempt failed"), row.error, "bad"
    return Line(
        (clock.to_us(row.recorded_at), 0, row.id),
        "sent" if row.status == "completed" else "failed",
        title,
        text,
        tone,
        actor=agent if type_ == Broadcast.Type.SINGLE else "",
        channel=row.channel,
        broadcast=row.broadcast_id if type_ and type_ != Broadcast.Type.SINGLE else None,
        broadcast_title=row.broadcast,
        record=row.id,
        chat=row.chat if type_ == Broadcast.Type.SINGLE else None,
        state=states.get(row.delivery_id, "") if row.status == "completed" else "",
    )


def _senders(records: Sequence[RecordRow]) -> dict[int, tuple[str, str]]:
    """Of which type the broadcasts are, and which agent they are by; without deleted ones."""
    ids = {row.broadcast_id for row in records}
    rows = Broadcast.objects.filter(pk__in=ids, deleted_at=None)
    listed = rows.values_list("pk", "type", "agent__name")
    return {key: (type_, agent or "") for key, type_, agent in listed}


def _states(records: Sequence[RecordRow]) -> dict[int, str]:
    return dict(
        db.fetch(
            f"SELECT d.id, d.state FROM records_delivery d WHERE d.id {db.in_list()}",
            [db.json_param([row.delivery_id] for row in records)],
        )
    )


def rows_of(
    columns: str, tables: str, where: str, params: Iterable[Any], at: str, start: Start
) -> list[tuple[Any, ...]]:
    """Rows of the moment and the columns, of which the first is the id."""
    beyond, bounds = start.sql(at, columns.split(",")[0])
    return db.fetch(
        f"SELECT {at}, {columns} FROM {tables} WHERE {where} AND {beyond}", [*params, *bounds]
    )


def key_of(row: Sequence[Any]) -> Key:
    return (row[0], 0, row[1])
