"""What a dry run came to, and the contacts behind each of its numbers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from clarion.broadcasts.costs import Cost, measuring
from clarion.broadcasts.forecast import Forecast, forecast
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.codes.pools import can_top_up
from clarion.codes.stock import free_up_to
from clarion.contacts.identities import USER_ID
from clarion.engine.dry_runs import control
from clarion.engine.dry_runs.links import CheckedLink
from clarion.engine.dry_runs.running import NO_ADDRESS
from clarion.engine.models import DryRun, DryRunGroup, DryRunPeople
from clarion.kit import db, sheets
from clarion.kit.paging import Cursor, Page

SAMPLE = 3  # contacts shown with each number
HEADER = ("contact", "chat_number", "user_id", "name", "channel", "result", "detail")
Kind = DryRunGroup.Kind
_ORDER = list(Kind)


@dataclass(frozen=True, slots=True)
class Person:
    """A contact behind a number; without a name or an id where it was deleted since."""

    contact_id: int | None
    name: str
    chat: int | None  # the chat number: the id of the address; None: no address on the channels
    user_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class Group:
    """Contacts for whom the dry run came to the same result, with some of them."""

    id: int
    kind: str  # see DryRunGroup.Kind
    detail: str
    count: int
    sample: Sequence[Person]


@dataclass(frozen=True, slots=True)
class OnChannel:
    """What would be sent on a channel."""

    channel: Channel
    contacts: int
    messages: int  # at least: what a story's webhook answers is not known
    cost: Cost | None = None  # what the provider charges, where it charges by units


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a dry run, so far."""

    dry_run: DryRun
    is_void: bool  # the broadcast was edited since
    groups: Sequence[Group]
    channels: Sequence[OnChannel]
    forecast: Forecast
    codes_missing: int  # how many more unique codes are needed; 0 where there are enough

    @property
    def links(self) -> Sequence[CheckedLink]:
        """What the links answer, as filled in for the first recipient."""
        return [CheckedLink(*row) for row in self.dry_run.links]

    @property
    def bad_links(self) -> Sequence[CheckedLink]:
        """Those that don't answer as they should, or could not be checked; broken ones first."""
        return sorted((link for link in self.links if link.detail), key=lambda link: link.result)

    def count(self, *kinds: str) -> int:
        """How many contacts are in groups of these kinds."""
        return sum(group.count for group in self.groups if group.kind in kinds)

    @property
    def would_be_sent(self) -> int:
        """Contacts who would get their messages, those in an open chat included."""
        return self.count(Kind.READY, Kind.HELD)

    @property
    def would_fail(self) -> int:
        """Contacts whose message can't be made, or is too long."""
        return self.count(Kind.VARIABLE, Kind.TOO_LONG, Kind.CONTENT)

    @property
    def left_out(self) -> int:
        """Contacts who drop out of the audience."""
        return self.count(Kind.LEFT_OUT)

    @property
    def not_checked(self) -> int:
        """Contacts whose message depends on values that are not known before."""
        return self.count(Kind.LATER)


def report(broadcast: Broadcast) -> Report | None:
    """The report of a broadcast's dry run; None where there is no dry run."""
    dry_run = control.latest(broadcast)
    if dry_run is None:
        return None
    rows = sorted(
        dry_run.groups.all(), key=lambda group: (_ORDER.index(Kind(group.kind)), -group.count)
    )
    groups = [
        Group(row.pk, row.kind, row.detail, row.count, people(row, limit=SAMPLE).rows)
        for row in rows
    ]
    channels = [
        _on_channel(channel, *dry_run.by_channel.get(str(channel.pk), (0, 0, 0, "0")))
        for channel in broadcast.channels.order_by("name")
    ]
    return Report(
        dry_run,
        control.is_void(dry_run, broadcast),
        groups,
        channels,
        forecast(
            broadcast,
            [each.channel for each in channels],
            {each.channel.pk: each.contacts for each in channels},
        ),
        _codes_missing(broadcast, sum(each.contacts for each in channels)),
    )


def people(group: DryRunGroup, after: str | None = None, limit: int = 50) -> Page[Person]:
    """The contacts behind a number. ``after``: a cursor that another page gave.

    Raises CursorError for a cursor that is not ours.
    """
    chunk, offset = Cursor.parse(after, 2).key if after else (0, 0)
    ids: list[int] = []
    next_cursor = None
    for row in group.people.filter(pk__gte=chunk).order_by("pk").iterator(chunk_size=1):
        start = offset if row.pk == chunk else 0
        if len(ids) == limit and start < len(row.ids):
            next_cursor = str(Cursor((row.pk, start)))
            break
        part = row.ids[start : start + limit - len(ids)]
        ids += part
        if start + len(part) < len(row.ids):
            next_cursor = str(Cursor((row.pk, start + len(part))))
            break
    return Page(_persons(group, ids), next_cursor)


def export(groups: Iterable[DryRunGroup]) -> Iterator[bytes]:
    """The contacts behind some numbers as a CSV file, streamed."""
    return sheets.stream(HEADER, (line for group in groups for line in _lines(group)))


def _lines(group: DryRunGroup) -> Iterator[str]:
    result = sheets.cells([group.kind, group.detail])
    rows = DryRunPeople.objects.filter(group=group).order_by("pk")
    for pk in list(rows.values_list("pk", flat=True)):
        for row in rows.filter(pk=pk):  # one at a time; nothing where it was deleted meanwhile
            for person in _persons(group, row.ids):
                texts = sheets.cells([person.user_id, person.name, person.channel])
                yield f"{person.contact_id or ''},{person.chat or ''},{texts},{result}"


def _persons(group: DryRunGroup, ids: Sequence[int]) -> list[Person]:
    """The contacts of these ids, in their order."""
    listed = db.json_param([key] for key in ids)
    values = db.json_table([("id", "int")])
    if group.kind == Kind.LEFT_OUT and group.detail == NO_ADDRESS:
        sql = (
            f"SELECT v.id, c.id, c.name FROM {values} "
            f"{db.lateral_join('contacts_contact', 'c', 'c.id = v.id', optional=True)}"
        )
        names = {row[0]: row[1:] for row in db.fetch(sql, [listed])}
        return [Person(names[key][0], names[key][1] or "", None, "", "") for key in ids]
    sql = (
        f"SELECT v.id, a.id, c.id, c.name, {USER_ID}, n.name FROM {values} "
        f"{db.lateral_join('contacts_address', 'a', 'a.id = v.id', optional=True)} "
        "LEFT JOIN contacts_contact c ON c.id = a.contact_id "
        "LEFT JOIN channels_channel n ON n.id = a.channel_id"
    )
    rows = {row[0]: row[1:] for row in db.fetch(sql, [listed])}
    return [
        Person(contact, name or "", address, user_id or "", channel or "")
        for address, contact, name, user_id, channel in (rows[key] for key in ids)
    ]


def _on_channel(
    channel: Channel, contacts: int, messages: int, units: int, price: str | None
) -> OnChannel:
    kind = measuring(channel)
    cost = None
    if kind is not None and contacts:
        total = Decimal(price) if price is not None and kind.prices.currency else None
        cost = Cost(channel, contacts, units, kind.unit, price=total, currency=kind.prices.currency)
    return OnChannel(channel, contacts, messages, cost)


def _codes_missing(broadcast: Broadcast, needed: int) -> int:
    pool = broadcast.code_pool
    if pool is None or can_top_up(pool):
        return 0
    return needed - free_up_to(pool, needed)
