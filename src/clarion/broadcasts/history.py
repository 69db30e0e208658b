"""Lists of broadcasts, and the facts of one (E1, E2, E4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet

from clarion.broadcasts import periodic, trigger
from clarion.broadcasts.authors import drafted_by, sent_by
from clarion.broadcasts.errors import TriggerError
from clarion.broadcasts.models import IS_LIVE, Broadcast
from clarion.broadcasts.outcomes import outcome, waits_for
from clarion.broadcasts.shares import Counted, counted
from clarion.broadcasts.states import BroadcastState
from clarion.clicks import tallies as click_tallies
from clarion.clicks.models import OPENED
from clarion.clicks.tallies import Counts
from clarion.kit.numbers import parse_id
from clarion.kit.text import search_words
from clarion.records.states import COMPLETED
from clarion.records.states import DeliveryState as D

S = BroadcastState
T = Broadcast.Type
_PERIODIC = ~Q(recurrence={})
SECTIONS: dict[str, Q] = {
    "active": Q(state=S.SENDING) | (Q(state__in=(S.PAUSED, S.LIVE)) & ~_PERIODIC),
    "scheduled": Q(state__in=(S.SCHEDULED, S.MISSED)),
    "periodic": Q(state__in=(S.PAUSED, S.LIVE)) & _PERIODIC,
    "completed": Q(state__in=(S.COMPLETED, S.STOPPED)),
    "drafts": Q(state=S.DRAFT),
}
_UNDER_WAY = Q(state=S.SENDING) | (Q(state=S.PAUSED, started_at__isnull=False) & ~_PERIODIC)
_STATES: dict[str, tuple[str, ...]] = {
    "active": (S.SENDING, S.PAUSED, S.LIVE),
    "scheduled": (S.SCHEDULED, S.MISSED),
    "periodic": (),
    "completed": (S.COMPLETED, S.STOPPED),
    "drafts": (S.DRAFT,),
}
TYPES: tuple[str, ...] = (T.BROADCAST, T.EXTERNAL, T.TRIGGER)  # singles are chats, not broadcasts
# The moment that a date range is about: the one that made a broadcast come into its section.
MOMENTS = {"active": "started", "scheduled": "scheduled", "completed": "finished"}


@dataclass(frozen=True, slots=True)
class Sought:
    """Which broadcasts a list shall have; nothing given means all.

    ``types``: some of TYPES. ``q``: a № or an id (“№ 7” is the one, “#7” the other), or words of
    the title, text, story, template or agent. ``since`` (included) and ``until`` (excluded): of
    the moment in MOMENTS, elsewhere of the creation.
    """

    types: tuple[str, ...] = ()
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One page of a section, newest first; ``after`` is where the next page begins."""

    broadcasts: list[Broadcast]
    after: int | None


def visible() -> "QuerySet[Broadcast]":
    """All broadcasts but those that are deleted and only wait to be taken away."""
    return Broadcast.objects.filter(deleted_at=None)


def section(
    name: str, sought: Sought = Sought(), *, after: int | None = None, limit: int = 50
) -> Section:
    """Broadcasts of a section (``all`` or one of SECTIONS), newest first."""
    return _page(_search(sought).filter(_where(name, sought)), after, limit)


def _page(broadcasts: "QuerySet[Broadcast]", after: int | None, limit: int) -> Section:
    """A page of these, newest first. Numbers are sorted first, and only a page of rows is read."""
    if after is not None:
        broadcasts = broadcasts.filter(pk__lt=after)
    # By a product, or PostgreSQL would walk through all numbers, past singles without end.
    newest_first = (F("pk") * -1).asc()
    numbers = list(broadcasts.order_by(newest_first).values_list("pk", flat=True)[: limit + 1])
    rows = with_lists(numbers[:limit])
    page = [rows[pk] for pk in numbers[:limit] if pk in rows]
    return Section(page, numbers[limit - 1] if len(numbers) > limit else None)


def with_lists(numbers: Sequence[int]) -> dict[int, Broadcast]:
    """Broadcasts by their ids, with all that a list shows of them."""
    rows = Broadcast.objects.select_related("agent", "drafted_by", "story").prefetch_related(
        "channels"
    )
    return rows.defer("secret").in_bulk(numbers)  # opening secrets takes its time


def section_sizes(sought: Sought = Sought()) -> dict[str, int]:
    """How many broadcasts each section has."""
    broadcasts = _search(sought)
    if sought.since or sought.until:
        counted = {name: Count("pk", filter=_where(name, sought)) for name in SECTIONS}
        sizes: dict[str, int] = broadcasts.aggregate(**counted)
        return sizes
    # Counted by an index alone; only of what is live it has to be seen whether it is periodic.
    states = dict(broadcasts.order_by().values_list("state").annotate(Count("pk")))
    periodic = broadcasts.filter(SECTIONS["periodic"]).count()
    sizes = {name: sum(states.get(state, 0) for state in _STATES[name]) for name in SECTIONS}
    return sizes | {"active": sizes["active"] - periodic, "periodic": periodic}


def _search(sought: Sought) -> "QuerySet[Broadcast]":
    broadcasts = visible().filter(type__in=sought.types or TYPES)
    words = search_words(sought.q)
    sign, q = words[:1], words.lstrip("#№ ")
    number = parse_id(q)
    if not q:
        return broadcasts
    if sign == "№":
        return broadcasts.filter(number=number or 0)
    if sign == "#":
        return broadcasts.filter(pk=number or 0)
    matches = Q(title__icontains=q) | Q(text__icontains=q)
    for role in ("agent", "drafted_by"):
        matches |= Q((f"{role}__name__icontains", q)) | Q((f"{role}_name__icontains", q))
    matches |= Q(story__name__icontains=q) | Q(template__name__icontains=q)
    if number:
        matches |= Q(pk=number) | Q(number=number)
    return broadcasts.filter(matches)


def _where(name: str, sought: Sought) -> Q:
    where = SECTIONS.get(name, Q())
    moment = f"{MOMENTS.get(name, 'created')}_at"
    if sought.since:
        where &= Q(**{f"{moment}__gte": sought.since})
    if sought.until:
        where &= Q(**{f"{moment}__lt": sought.until})
    return where


def under_way(limit: int) -> list[Broadcast]:
    """Broadcasts that are being sent or paused before their end, the newest first."""
    return _page(_listed().filter(_UNDER_WAY), None, limit).broadcasts


def upcoming(limit: int) -> list[tuple[datetime, Broadcast]]:
    """What starts next: scheduled broadcasts and runs of periodic ones, each with its moment."""
    scheduled = _listed().filter(state=S.SCHEDULED, scheduled_at__isnull=False)
    periodic = _listed().filter(state=S.LIVE, next_run_at__isnull=False)
    moments: list[tuple[Any, int]] = [
        *scheduled.order_by("scheduled_at").values_list("scheduled_at", "pk")[:limit],
        *periodic.order_by("next_run_at").values_list("next_run_at", "pk")[:limit],
    ]
    rows = with_lists([pk for _, pk in moments])
    return [(at, rows[pk]) for at, pk in sorted(moments)[:limit] if pk in rows]


def missed(limit: int) -> list[Broadcast]:
    """Broadcasts that were not sent at their time and ask, the newest first."""
    return _page(_listed().filter(state=S.MISSED), None, limit).broadcasts


def _listed() -> "QuerySet[Broadcast]":
    return visible().filter(type__in=TYPES)


def runs(parent: Broadcast, *, after: int | None = None, limit: int = 50) -> Section:
    """The runs of a periodic or external broadcast, newest first."""
    return _page(visible().filter(parent=parent), after, limit)


def operations(sought: Sought = Sought(), *, after: int | None = None, limit: int = 50) -> Section:
    """Every broadcast that sends or has sent, whatever its state, newest first (H1).

    Runs are listed, and what only makes runs is not: it sends nothing itself. A date range is
    about the moment when sending began.
    """
    makes_runs = IS_LIVE & ~Q(type=T.TRIGGER)
    began = _search(sought).filter(started_at__isnull=False).exclude(makes_runs)
    if sought.since:
        began = began.filter(started_at__gte=sought.since)
    if sought.until:
        began = began.filter(started_at__lt=sought.until)
    return _page(began, after, limit)


def facts(broadcasts: Iterable[Broadcast]) -> list[dict[str, Any]]:
    """All facts of broadcasts as plain values; counts by state, moments as datetimes.

    Every person is in exactly one of the counts; ``completed`` is sent + delivered + read,
    ``errors`` is failed. ``outcome`` says how it went, see ``broadcasts.outcomes``. The percentages
    are None where nobody knows: no channel of it reports what was delivered, or read, or its clicks
    are not tracked, or its opens not counted. Each is a share of those of whom it can be known, and
    how many these are stands beside it (``delivered_of``, see ``broadcasts.shares``). ``message``
    is what a list shows: the text, or the story's or template's name. ``when`` says in words when
    it runs or fires. ``runs`` and ``last_run_at`` are those of a
    periodic or external one.
    """
    listed: Sequence[Broadcast] = list(broadcasts)
    numbers = counted(listed)
    clicks = click_tallies.counts(b.pk for b in listed if b.track_clicks)
    opens = click_tallies.counts((b.pk for b in listed if b.track_opens), OPENED)
    runs = _runs_made([b.pk for b in listed if b.is_live])
    return [
        _facts(b, numbers[b.pk])
        | _people("clicked", clicks.get(b.pk), numbers[b.pk].sent)
        | _people("opened", opens.get(b.pk), numbers[b.pk].mails)
        | dict(zip(_RUNS, runs.get(b.pk, (0, None)), strict=True))
        for b in listed
    ]


_RUNS = ("runs", "last_run_at")


def _runs_made(parents: Sequence[int]) -> dict[int, tuple[int, datetime | None]]:
    """How many runs each of these has made, and when the last was due."""
    if not parents:
        return {}
    runs = Broadcast.objects.filter(parent__in=parents).order_by().values("parent_id")
    counted = runs.annotate(made=Count("pk"), last=Max("scheduled_at"))
    return {row["parent_id"]: (row["made"], row["last"]) for row in counted}


def _people(name: str, counts: Counts | None, sent: int) -> dict[str, Any]:
    """How many clicked a link or opened the e-mail; None where that is not counted.

    ``sent``: to how many it was sent. A few may count as failed since: a mailbox refused it later.
    """
    if counts is None:
        return {name: None, f"{name}_of": None, f"{name}_percent": None}
    of = max(sent, counts.people)
    return {
        name: counts.people, f"{name}_of": of, f"{name}_percent": _percent(counts.people, of)
    }  # fmt: skip


def message_of(b: Broadcast) -> str:
    """What a list shows as the message: the text, or the name of the story or template."""
    if b.data_type == Broadcast.DataType.STORY:
        return b.story.name if b.story else ""
    if b.data_type == Broadcast.DataType.TEMPLATE:
        return str(b.template.get("name", ""))
    return b.text


def when_words(b: Broadcast) -> str:
    """When a periodic one runs, or on what a trigger fires and under which conditions, in words.

    Empty for others, and for a draft of which that is not filled in yet.
    """
    if b.recurrence:
        return periodic.words(b)
    if b.type == T.TRIGGER and b.trigger:
        try:
            return trigger.words(trigger.parse(b.trigger))
        except TriggerError:
            return ""
    return ""


def _facts(b: Broadcast, numbers: Counted) -> dict[str, Any]:
    counts = numbers.states
    read = counts[D.READ]
    arrived = counts[D.DELIVERED] + read
    facts = {
        "id": b.pk,
        "number": b.number,
        "title": b.title,
        "type": b.type,
        "state": b.state,
        "state_reason": b.state_reason,
        "data_type": b.data_type,
        "message": message_of(b),
        "text": b.text,
        "story": b.story.name if b.story else "",
        "template": b.template,
        "format": b.format,
        "mail": b.mail,
        "when": when_words(b),
        "recurrence": b.recurrence,
        "trigger": b.trigger,
        "agent": sent_by(b),
        "drafted_by": drafted_by(b),
        "channels": [channel.name for channel in b.channels.all()],
        "audience": b.audience,
        "accepted_gaps": b.accepted_gaps,
        "end_open_chats": b.end_open_chats,
        "track_clicks": b.track_clicks,
        "track_opens": b.track_opens,
        "rate": b.rate,
        "pause_rejected": b.pause_rejected,
        "pause_unreachable": b.pause_unreachable,
        "time_zone": b.time_zone,
        "parent": b.parent_id,
        "restart_of": b.restart_of_id,
        "expected": b.expected,
        "total": b.total,
        **counts,
        "completed": sum(counts[state] for state in COMPLETED),
        "errors": counts[D.FAILED],
        "reports_delivered": numbers.delivered_of is not None,
        "reports_read": numbers.read_of is not None,
        "delivered_of": numbers.delivered_of,
        "read_of": numbers.read_of,
        "delivered_percent": _percent(arrived, numbers.delivered_of),
        "read_percent": _percent(read, numbers.read_of),
        "created_at": b.created_at,
        "scheduled_at": b.scheduled_at,
        "next_run_at": b.next_run_at,
        "started_at": b.started_at,
        "finished_at": b.finished_at,
        "expanded_at": b.expanded_at,
    }
    return facts | {"outcome": outcome(b, facts), "waits_for": waits_for(b)}


def _percent(part: int, whole: int | None) -> float | None:
    return round(100 * part / whole, 1) if whole else None
