"""The suppression list as people read it: its entries, and the addresses that are stopped.

Two sources, one list, and no row of one is copied to the other: entries are what the operator put
on the list; the states of addresses are what contacts and providers said on one channel. What a
provider reported is both, and shown once: by its entries while they are there, which are one row.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from clarion.channels.registry import KINDS, kind_class, kinds_sharing_ids
from clarion.contacts.identities import USER_ID
from clarion.contacts.models import Address, AddressReport, Suppression
from clarion.contacts.states import AddressState as S
from clarion.kit import clock, db, sheets
from clarion.kit.db.matching import contains
from clarion.kit.numbers import BIGGEST
from clarion.kit.paging import Cursor, Page

Reason = Suppression.Reason
# State of an address -> why it is on the list, if no provider reported it.
REASONS: Final[dict[str, str]] = {
    S.OPTED_OUT: Reason.OPTED_OUT,
    S.BLOCKED: Reason.BLOCKED,
    S.DEACTIVATED: Reason.GONE,
    S.UNREACHABLE: Reason.GONE,
}
# What a provider reported -> the state that an address has by it, and why it is on the list.
_REPORTS: Final[dict[str, tuple[str, str]]] = {
    AddressReport.Cause.COMPLAINT: (S.OPTED_OUT, Reason.COMPLAINED),
    AddressReport.Cause.HARD_BOUNCE: (S.UNREACHABLE, Reason.BOUNCED),
}
_ADDRESS, _ENTRY = 0, 1  # sources, in the order of the list from its end
AT_ONCE = 5_000  # rows of an export that are read together
COLUMNS: Final = ("address", "kind", "reason", "source", "channel", "note", "by", "since")


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the list: an entry, or an address with its own state (``channel`` is set)."""

    id: int  # of the entry, or of the address
    pattern: str
    kind: str
    reason: str
    source: str  # of Suppression.Source, or “contact” or “provider”
    at: datetime | None
    note: str = ""
    by: str = ""  # the agent's name
    channel: str = ""  # of an address: the only channel that its state is about
    contact_id: int | None = None  # of an address
    stops: int = 0  # addresses that the entry fits; 1 for an address
    is_applied: bool = True  # False: it has an effect, and its addresses are being looked up
    kinds: tuple[str, ...] = ()  # all of them, where the entries of one report are one row

    @property
    def all_kinds(self) -> tuple[str, ...]:
        """The channel kinds that it is about."""
        return self.kinds or (self.kind,)

    @property
    def kind_label(self) -> str:
        """The channel kind as people call it, or the kinds."""
        return ", ".join(kind_class(kind).label for kind in self.all_kinds)

    @property
    def reason_label(self) -> str:
        """The reason in words."""
        return str(Reason(self.reason).label)

    @property
    def source_label(self) -> str:
        """Where it comes from, in words."""
        labels = {"contact": "The contact", "provider": "The provider"}
        return labels.get(self.source) or str(Suppression.Source(self.source).label)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to list: a part of the address or pattern, a reason, a kind of channel; "" for all."""

    q: str = ""
    reason: str = ""
    kind: str = ""

    def to_query(self) -> str:
        """These filters as the query of an address; "" for all."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


def reason_of(address: Address) -> str:
    """Why an address that is not active is on the list."""
    rows = db.fetch(f"SELECT {_reason()} FROM contacts_address AS a WHERE a.id = %s", [address.pk])
    return str(rows[0][0])


def suppression_list(wanted: Wanted, cursor: str | None = None, limit: int = 50) -> Page[Listed]:
    """Entries first, then addresses, each newest first. Raises CursorError.

    The entries of a provider's report, one for each kind with the same user ids, are one row, the
    newest of them, unless one kind is wanted. They are removed together too.
    """
    source, before = Cursor.parse(cursor, values=2).key if cursor else (_ENTRY, BIGGEST)
    rows = _entries(wanted, before, limit + 1) if source == _ENTRY else []
    if len(rows) <= limit:
        start = before if source == _ADDRESS else BIGGEST
        rows += _addresses(wanted, start, limit + 1 - len(rows))
    further = len(rows) > limit
    rows = rows[:limit]
    last = str(Cursor(_key(rows[-1]))) if further else None
    rows = _counted(rows)
    return Page(rows if wanted.kind else _with_others(rows), last)


def export_csv(wanted: Wanted, zone: str) -> Iterator[bytes]:
    """The list as a CSV file, in parts; ``clarion suppressions import`` reads it.

    Raises ValueError for an unknown time zone.
    """
    write = sheets.moments(zone)
    return sheets.stream(COLUMNS, (_line(row, write) for row in _every(wanted)))


def _every(wanted: Wanted) -> Iterator[Listed]:
    for read in (_entries, _addresses):
        before = BIGGEST
        while rows := read(wanted, before, AT_ONCE):
            yield from rows if wanted.kind else _with_others(rows)
            before = rows[-1].id


def _line(row: Listed, write: Any) -> str:
    since = write(clock.to_us(row.at)) if row.at else ""
    kinds = ", ".join(row.all_kinds)
    texts = (row.pattern, kinds, row.reason, row.source, row.channel, row.note, row.by)
    return f"{sheets.cells(texts)},{since}"


def _key(row: Listed) -> tuple[int, int]:
    return (_ADDRESS if row.channel else _ENTRY), row.id


def _entries(wanted: Wanted, before: int, limit: int) -> list[Listed]:
    where = ["s.id < %s", "s.removed_at IS NULL"]
    params: list[Any] = [before]
    for column, value in (("s.reason", wanted.reason), ("s.kind", wanted.kind)):
        if value:
            where.append(f"{column} = %s")
            params.append(value)
    if q := wanted.q.strip().strip("*"):
        sql, values = contains("s.value", q)
        where.append(sql)
        params += values
    if not wanted.kind:
        sql, values = _same_report()
        where.append(
            "NOT EXISTS (SELECT 1 FROM contacts_suppression o "
            f"WHERE o.id > s.id AND {sql}{db.planner_fence()})"
        )
        params += values
    entries = Suppression.objects.raw(
        "SELECT s.* FROM contacts_suppression s "
        f"WHERE {' AND '.join(where)} ORDER BY s.id DESC LIMIT {limit}",
        params,
    ).prefetch_related("agent")
    return [
        Listed(
            id=entry.pk,
            pattern=entry.pattern,
            kind=entry.kind,
            reason=entry.reason,
            source=entry.source,
            at=entry.created_at,
            note=entry.note,
            by=entry.agent.name if entry.agent else "",
            is_applied=entry.applied_at is not None,
        )
        for entry in entries
    ]


def _reason() -> str:
    """SQL: why an address “a” is on the list, by what was reported of it or by its state."""
    reported = " ".join(
        f"WHEN a.state = '{state}' AND {_is_reported(cause)} THEN '{reason}'"
        for cause, (state, reason) in _REPORTS.items()
    )
    by_state = " ".join(f"WHEN a.state = '{state}' THEN '{why}'" for state, why in REASONS.items())
    return f"CASE {reported} {by_state} END"


def _is_reported(cause: str) -> str:
    """SQL: whether an address “a” has its state by such a report."""
    return (
        "EXISTS (SELECT 1 FROM contacts_addressreport AS p WHERE p.channel_id = a.channel_id"
        f" AND p.value = a.value AND p.cause = '{cause}' AND p.at = a.state_at)"
    )


def _addresses(wanted: Wanted, before: int, limit: int) -> list[Listed]:
    by_report = {reason: state for state, reason in _REPORTS.values()}
    states = [
        state
        for state, reason in REASONS.items()
        if wanted.reason in ("", reason) or by_report.get(wanted.reason) == state
    ]
    if not states or limit < 1:
        return []
    marks = ", ".join(["%s"] * len(states))
    reason = _reason()
    # One that is there by a report whose entry is on the list is shown by that.
    is_shown = (
        f"{reason} IN ('{Reason.COMPLAINED}', '{Reason.BOUNCED}') AND EXISTS (SELECT 1"
        " FROM contacts_suppression AS s WHERE s.id = a.suppression_id AND s.source = 'provider'"
        " AND s.removed_at IS NULL)"
    )
    where = [f"a.state IN ({marks})", "NOT (a.state = 'active')", "a.id < %s", f"NOT ({is_shown})"]
    params: list[Any] = [*(str(state) for state in states), before]
    if wanted.reason:
        where.append(f"{reason} = %s")
        params.append(wanted.reason)
    if wanted.kind:
        where.append("c.kind = %s")
        params.append(wanted.kind)
    if q := wanted.q.strip().strip("*"):
        sql, values = contains("a.value", q)
        where.append(sql)
        params += values
    rows = db.fetch(
        f"SELECT a.id, {USER_ID}, c.kind, {reason}, a.state_at, c.name, a.contact_id "
        "FROM contacts_address a JOIN channels_channel c ON c.id = a.channel_id "
        f"WHERE {' AND '.join(where)} ORDER BY a.id DESC LIMIT {limit}",
        params,
    )
    return [
        Listed(
            id=address,
            pattern=user_id,
            kind=kind,
            reason=why,
            source="contact" if why in (Reason.OPTED_OUT, Reason.BLOCKED) else "provider",
            at=clock.from_us(at) if at is not None else None,
            channel=channel,
            contact_id=contact,
            stops=1,
        )
        for address, user_id, kind, why, at, channel, contact in rows
    ]


def _counted(rows: list[Listed]) -> list[Listed]:
    """The rows, with how many addresses each entry fits."""
    ids = [row.id for row in rows if not row.channel]
    counts = dict(
        db.fetch(
            "SELECT a.suppression_id, count(*) FROM contacts_address a "
            f"WHERE a.suppression_id {db.in_list()} GROUP BY a.suppression_id",
            [db.json_param([key] for key in ids)],
        )
    )
    return [row if row.channel else replace(row, stops=counts.get(row.id, 0)) for row in rows]


def _same_report() -> tuple[str, list[str]]:
    """Whether an entry ``o`` is of the same provider's report as ``s``, and the parameters."""
    groups = {tuple(kinds_sharing_ids(kind)) for kind in KINDS}
    pairs: list[str] = []
    params: list[str] = []
    for group in sorted(group for group in groups if len(group) > 1):
        marks = ", ".join(["%s"] * len(group))
        pairs.append(f"(s.kind IN ({marks}) AND o.kind IN ({marks}))")
        params += [*group, *group]
    condition = (
        "o.value = s.value AND o.match = s.match AND o.reason = s.reason AND o.source = 'provider' "
        f"AND s.source = 'provider' AND o.removed_at IS NULL AND ({' OR '.join(pairs)})"
    )
    return condition, params


def _with_others(rows: list[Listed]) -> list[Listed]:
    """The rows; one of a provider's report with the kinds and addresses of all its entries."""
    reported = [row.id for row in rows if not row.channel and row.source == "provider"]
    if not reported:
        return rows
    condition, params = _same_report()
    kinds: dict[int, list[str]] = {}
    stops: dict[int, int] = {}
    for entry, kind, count in db.fetch(
        "SELECT s.id, o.kind, "
        "(SELECT count(*) FROM contacts_address a WHERE a.suppression_id = o.id) "
        f"FROM contacts_suppression s JOIN contacts_suppression o ON {condition} "
        f"WHERE s.id {db.in_list()} ORDER BY s.id, o.kind",
        [*params, db.json_param([key] for key in reported)],
    ):
        kinds.setdefault(entry, []).append(kind)
        stops[entry] = stops.get(entry, 0) + count
    return [
        replace(row, kinds=tuple(kinds[row.id]), stops=stops[row.id])
        if not row.channel and row.id in kinds
        else row
        for row in rows
    ]
