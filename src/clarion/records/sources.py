"""Where the records of a filter stand: in one or two indexes, newest first, nothing else between.

See docs/decisions/0009-records-search.md. What is small is looked up first (the people of that
name, the causes of that wording, the broadcasts of that agent), and the index is chosen in which
the rest can be read off in order:

- few people: by person;
- completed records of some broadcasts, channels or numbers of responses: by those three together,
  leaping from one group of records to the next;
- errors: by broadcast or by time; what else one filters by is in the index;
- anything else: by time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from clarion.channels.models import Channel
from clarion.contacts import identities
from clarion.kit import clock, db
from clarion.kit.db.matching import contains
from clarion.kit.paging import Cursor, Key
from clarion.records.directory import directory
from clarion.records.filters import FilterError, HistoryFilter, RecordFilter, Responses

# A name that more people have is met so often that walking through the newest records finds it.
MOST_PEOPLE = 10_000
Groups = tuple[tuple[int, ...], ...]
_COMPLETED = ("broadcast_id", "channel_id", "responses")  # columns of the index record_completed
_ERROR = ("broadcast_id",)  # and of record_error


@dataclass(frozen=True, slots=True)
class Source:
    """Records that stand in order in one index, in each of its ``groups`` if there are some,
    or, if it is not ``sorted``, of few people.
    """

    where: str  # a condition on the records AS r
    params: tuple[Any, ...]
    columns: tuple[str, ...] = ()
    groups: Groups = ()
    table: str = "records_record"  # or another one that has recorded_at, whose alias is r as well
    sorted: bool = True  # or no index has them in order: each reading finds and sorts all of them

    def apart(self) -> list["Source"]:
        """The groups, each as a source of its own."""
        if not self.columns:
            return [self]
        return [replace(self, groups=(group,)) for group in self.groups]

    def all_ids(self) -> tuple[str, list[Any]]:
        """SQL for the ids of all records, newest first, for a source that is not ``sorted``."""
        order = "ORDER BY r.recorded_at DESC, r.id DESC"
        return f"SELECT r.id FROM {self.table} AS r WHERE {self.where} {order}", list(self.params)

    def first(
        self,
        limit: int,
        cursor: Cursor | None = None,
        end: Key | None = None,
        what: str = "recorded_at, id",
    ) -> tuple[str, list[Any]]:
        """SQL for the first ``limit`` records in the cursor's direction.

        They lie beyond the cursor, which may be None for the newest, and not beyond ``end``.
        ``what`` of them is read is (recorded_at, id), unless the source is one of ``apart``.
        """
        backward = bool(cursor and cursor.backward)
        way, beyond, within = ("ASC", ">", "<") if backward else ("DESC", "<", ">")
        where, params = self.where, list(self.params)
        for sign, key in ((beyond, cursor and cursor.key), (within, end)):
            if key:
                where += f" AND (r.recorded_at, r.id) {sign} (%s, %s)"
                params += key
        order = f"ORDER BY recorded_at {way}, id {way} LIMIT {limit}"
        if not self.columns:
            return f"SELECT {what} FROM {self.table} AS r WHERE {where} {order}", params
        if len(self.groups) == 1:
            same = "".join(f"r.{column} = %s AND " for column in self.columns)
            sql = f"SELECT {what} FROM {self.table} AS r WHERE {same}{where} {order}"
            return sql, [*self.groups[0], *params]
        same = "".join(f"r.{column} = v.{column} AND " for column in self.columns)
        table = db.json_table([(column, "int") for column in self.columns])
        each = f"FROM {self.table} AS r WHERE {same}{where} {order}"
        newest = db.first_join(self.table, "k", ["recorded_at", "id"], each)
        sql = f"SELECT k.recorded_at, k.id FROM {table} {newest} {order}"
        return sql, [db.json_param(self.groups), *params]


def sources(wanted: RecordFilter) -> list[Source]:
    """Where to read the records of a filter; empty when there can't be any.

    Raises FilterError for a channel or an agent that is not there.
    """
    channel = channel_of(wanted.channel) if wanted.channel else None
    broadcasts = broadcasts_of(wanted)
    reasons = _reasons(wanted)
    people = people_of(wanted, channel) if wanted.user or wanted.name else None
    only_errors = reasons is not None
    if [] in (broadcasts, reasons, people) or (only_errors and wanted.status == "completed"):
        return []
    if people is not None:
        return [_by_person(people, broadcasts, channel, reasons, wanted)]
    listed = []
    if wanted.status != "error" and not only_errors:
        listed += _completed(broadcasts, channel, wanted)
    if wanted.status != "completed":
        listed.append(_errors(broadcasts, channel, reasons, wanted))
    return listed


class Conditions:
    """Conditions on the records AS r that must all hold, and their parameters."""

    def __init__(self, first: str = "", table: str = "records_record") -> None:
        self._table = table
        self.parts: list[str] = [first] if first else []
        self.params: list[Any] = []

    def add(self, sql: str, params: Sequence[Any] = ()) -> None:
        self.parts.append(sql)
        self.params += params

    def add_equals(self, column: str, value: int | str | None) -> None:
        if value is not None:
            self.add(f"r.{column} = %s", [value])

    def add_among(self, column: str, values: list[int] | None) -> None:
        if values is not None:
            among, param = db.in_values(values)
            self.add(f"r.{column} {among}", [param])

    def add_times(self, wanted: HistoryFilter) -> None:
        if wanted.after:
            self.add("r.recorded_at >= %s", [clock.to_us(wanted.after)])
        if wanted.before:
            self.add("r.recorded_at < %s", [clock.to_us(wanted.before)])

    def add_responses(self, responses: Responses | None) -> None:
        if responses:
            self.add(f"r.responses {responses.sign} %s", [responses.number])

    def add_name(self, part: str) -> None:
        if not part:
            return
        matches, params = contains("c.name", part)
        # The offset keeps PostgreSQL from joining all people before it looks at any record.
        self.add(
            "EXISTS (SELECT 1 FROM contacts_address AS a JOIN contacts_contact AS c"
            f" ON c.id = a.contact_id WHERE a.id = r.address_id AND {matches} LIMIT 1 OFFSET 0)",
            params,
        )

    def source(self, columns: tuple[str, ...] = (), groups: Groups = ()) -> Source:
        where = " AND ".join(self.parts) or "true"
        return Source(where, tuple(self.params), columns, groups, self._table)


def _by_person(
    people: list[int],
    broadcasts: list[int] | None,
    channel: int | None,
    reasons: list[int] | None,
    wanted: RecordFilter,
) -> Source:
    conditions = Conditions()
    conditions.add_among("address_id", people)
    conditions.add_among("broadcast_id", broadcasts)
    conditions.add_among("reason_id", reasons)
    conditions.add_equals("channel_id", channel)
    conditions.add_equals("status", wanted.status or None)
    conditions.add_responses(wanted.responses)
    conditions.add_times(wanted)
    return replace(conditions.source(), sorted=False)


def _completed(
    broadcasts: list[int] | None, channel: int | None, wanted: RecordFilter
) -> list[Source]:
    conditions = Conditions("r.status = 'completed'")
    conditions.add_times(wanted)
    conditions.add_name(wanted.name)
    if broadcasts is None and channel is None and wanted.responses is None:
        return [conditions.source()]
    groups = tuple(
        group
        for group in _groups(broadcasts)
        if channel in (None, group[1])
        and (wanted.responses is None or wanted.responses.fits(group[2]))
    )
    return [conditions.source(_COMPLETED, groups)] if groups else []


def _errors(
    broadcasts: list[int] | None,
    channel: int | None,
    reasons: list[int] | None,
    wanted: RecordFilter,
) -> Source:
    conditions = Conditions("r.status = 'error'")
    conditions.add_equals("channel_id", channel)
    conditions.add_among("reason_id", reasons)
    conditions.add_responses(wanted.responses)
    conditions.add_times(wanted)
    conditions.add_name(wanted.name)
    if broadcasts is None:
        return conditions.source()
    return conditions.source(_ERROR, tuple((broadcast,) for broadcast in broadcasts))


def _groups(broadcasts: list[int] | None) -> list[tuple[int, int, int]]:
    """Which (broadcast, channel, number of responses) the completed records have."""
    if broadcasts is None:
        # All that have any, leaping from one to the next as well.
        least = "SELECT min(n.broadcast_id) FROM records_record AS n WHERE n.status = 'completed'"
        among = (
            f"{least} UNION ALL SELECT ({least} AND n.broadcast_id > v.broadcast)"
            " FROM v WHERE v.broadcast IS NOT NULL"
        )
    else:
        # Numbers of ours, written out so that PostgreSQL knows how few they are.
        among = f"VALUES {', '.join(f'({broadcast})' for broadcast in broadcasts)}"
    first = (
        "SELECT n.id FROM records_record AS n WHERE n.status = 'completed'"
        " AND n.broadcast_id = {0}{1} ORDER BY n.channel_id, n.responses LIMIT 1"
    )
    # Two steps, because SQLite does not leap by (channel, responses) > (…).
    same_channel = " AND n.channel_id = g.channel AND n.responses > g.responses"
    more = first.format("g.broadcast", same_channel)
    other = first.format("g.broadcast", " AND n.channel_id > g.channel")
    columns = "r.broadcast_id, r.channel_id, r.responses"
    return db.fetch(
        f"WITH RECURSIVE v (broadcast) AS ({among}), g (broadcast, channel, responses) AS ("
        f"SELECT {columns} FROM v JOIN records_record AS r"
        f" ON r.id = ({first.format('v.broadcast', '')})"
        f" UNION ALL SELECT {columns} FROM g JOIN records_record AS r"
        f" ON r.id = coalesce(({more}), ({other}))"
        ") SELECT broadcast, channel, responses FROM g"
    )


def channel_of(name: str) -> int:
    channel_id = Channel.objects.filter(name=name).values_list("pk", flat=True).first()
    if channel_id is None:
        raise FilterError("channel", f"There is no channel called “{name}”. Choose another one.")
    return channel_id


def broadcasts_of(wanted: HistoryFilter) -> list[int] | None:
    """The broadcasts that the filter leaves, None for all."""
    limits: list[list[int]] = []
    if wanted.broadcast is not None:
        limits.append([wanted.broadcast])
    if wanted.agent:
        limits.append(_sent_by(wanted.agent))
    if wanted.story is not None or wanted.story_name:
        limits.append(directory().of_stories(wanted.story, wanted.story_name))
    if not limits:
        return None
    return [
        broadcast_id
        for broadcast_id in limits[-1]
        if all(broadcast_id in limit for limit in map(set, limits[:-1]))
    ]


def _sent_by(name: str) -> list[int]:
    """The broadcasts of an agent. Raises FilterError when there is no such agent."""
    agents = [
        row[0]
        for row in db.fetch(
            "SELECT id FROM accounts_agent WHERE lower(name) = %s OR email = %s",
            [name.lower(), name.lower()],
        )
    ]
    sent = directory().sent_by(agents, name)
    if not agents and not sent:
        raise FilterError(
            "agent", f"There is no agent “{name}”. Write the whole name or the e-mail."
        )
    return sent


def _reasons(wanted: RecordFilter) -> list[int] | None:
    """The reasons that are meant; None for any, and for none at all."""
    if not wanted.error:
        return None if wanted.cause is None else [wanted.cause]
    matches, params = contains("text", wanted.error)
    rows = db.fetch(f"SELECT id FROM records_reason WHERE {matches}", params)
    return [row[0] for row in rows if wanted.cause in (None, row[0])]


def people_of(wanted: HistoryFilter, channel: int | None) -> list[int] | None:
    """The addresses of that user id and name, None for too many to begin with them."""
    conditions, params = list[str](), list[Any]()
    if wanted.user:
        # Naming all channels lets the unique (channel, user id) be used.
        conditions.append(
            "a.channel_id IN (SELECT id FROM channels_channel) AND a.value IN (%s, %s)"
        )
        params += [wanted.user, wanted.user.lower()]  # e-mail addresses are stored in lower case
    if wanted.name:
        matches, of_name = contains("c.name", wanted.name)
        conditions.append(matches)
        params += of_name
    if channel is not None:
        conditions.append("a.channel_id = %s")
        params.append(channel)
    # A user id belongs to one person per channel: those are always few.
    limit = "" if wanted.user else f" LIMIT {MOST_PEOPLE + 1}"
    rows = db.fetch(
        "SELECT a.id FROM contacts_contact AS c JOIN contacts_address AS a ON a.contact_id = c.id"
        f" WHERE {' AND '.join(conditions)}{limit}",
        params,
    )
    if limit and len(rows) > MOST_PEOPLE:
        return None
    people = [row[0] for row in rows]
    return identities.same_as(people) if wanted.user else people
