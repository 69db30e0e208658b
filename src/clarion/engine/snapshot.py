"""What a worker knows of channels and broadcasts while it sends, read afresh every 200 ms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import why_not_tracked
from clarion.broadcasts.versions import link_sources
from clarion.channels.contract import ChannelKind
from clarion.channels.models import Channel
from clarion.channels.registry import adapter, kind_class
from clarion.clicks.links import number_links
from clarion.clicks.tracking import Tracking, links_in
from clarion.codes.pools import sample
from clarion.content import media
from clarion.content.errors import LINKS, OF_TITLE, ContentError
from clarion.content.rendering import Text, compile_text
from clarion.content.script import Script, compile_script
from clarion.engine.retry import Policy
from clarion.kit import clock, db
from clarion.records import tallies


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """An active channel that has something to send."""

    id: int
    name: str
    kind: ChannelKind
    policy: Policy
    rate: float | None
    version: str  # changes whenever its settings are saved


@dataclass(frozen=True, slots=True)
class Job:
    """What a broadcast sends. It changes only when a live one is edited: see its revision."""

    id: int
    key: str
    title: Text
    text: Text
    scheduled_at: int  # microseconds
    script: Script | None = None  # of a story
    story: Mapping[str, Any] | None = None  # its id and name, for its webhooks
    template: tuple[str, str, tuple[Text, ...]] | None = None  # name, language, variables
    data: dict[str, Any] = field(default_factory=dict)  # {{ data.x }}
    broken: str = ""  # why it can't be sent to anybody: an upload that is gone, for example
    fires: bool = False  # a trigger: each person has a moment of their own
    # What some recipients lack, where an agent decided to send to the others: see broadcasts.gaps.
    gaps: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()  # which of the variables LINKS its texts show
    sample_code: str = ""  # of a test send, which uses no code up
    tracking: Tracking | None = None  # of the links in its messages
    language: str = ""  # of those whose own is not known
    single: bool = False  # to one person at once
    answer: bool = False  # it goes to who opted out of broadcasts as well


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who may send at this moment."""

    channels: dict[int, ChannelFacts]
    broken: dict[int, str]  # channels whose stored settings can't be used, and why
    broadcasts: frozenset[int]
    busy: frozenset[int]  # the channels that have something to send
    waiting: frozenset[int]  # the channels that wait, or have waited just before
    # Of broadcasts: that of a live one grows when it is edited.
    revisions: Mapping[int, int] = field(default_factory=dict)
    on_hold: frozenset[int] = frozenset()  # broadcasts that wait for their story's webhook


NOTHING = Snapshot({}, {}, frozenset(), frozenset(), frozenset())


def take(before: Snapshot = NOTHING) -> Snapshot:
    """Read which channels and broadcasts may send; adapters of unchanged channels are kept."""
    # A trigger lives for months: its channels are busy only while a delivery waits.
    sending = db.fetch(
        "SELECT b.id, bc.channel_id, b.revision, b.waits_until IS NOT NULL, b.state = 'sending' "
        f"OR {tallies.any_queued('b.id', 'bc.channel_id')} FROM broadcasts_broadcast b "
        "JOIN broadcasts_broadcast_channels bc ON bc.broadcast_id = b.id "
        "WHERE b.state IN ('sending', 'live')"
    )
    if not sending:
        return NOTHING
    channels: dict[int, ChannelFacts] = {}
    broken: dict[int, str] = {}
    rows = _rows({row[1] for row in sending})
    for row in rows:
        version = _version(row)
        channel = before.channels.get(row[0])
        if channel is not None and channel.version == version:
            channels[channel.id] = channel
            continue
        try:
            channels[row[0]] = _facts(row[0], version)
        except ValueError as error:
            broken[row[0]] = str(error)
    busy = frozenset(row[1] for row in sending if row[4])
    waiting = frozenset(row[0] for row in rows if row[-1] is not None)
    revisions = {row[0]: row[2] for row in sending}
    on_hold = frozenset(row[0] for row in sending if row[3])
    return Snapshot(channels, broken, frozenset(revisions), busy, waiting, revisions, on_hold)


def is_current(facts: ChannelFacts) -> bool:
    """Whether the channel is active with the same settings still."""
    return any(_version(row) == facts.version for row in _rows([facts.id]))


def _version(row: tuple[Any, ...]) -> str:
    return repr(row[:-1])  # a wait makes it no other channel


def _rows(channel_ids: Iterable[int]) -> list[tuple[Any, ...]]:
    return db.fetch(
        "SELECT c.id, c.kind, c.config, c.attempts, c.backoff, c.rate, c.waits_until "
        f"FROM channels_channel c JOIN {db.json_table([('id', 'int')])} ON v.id = c.id "
        "WHERE c.state = 'active'",
        [db.json_param([key] for key in channel_ids)],
    )


def _facts(channel_id: int, version: str) -> ChannelFacts:
    channel = Channel.objects.get(pk=channel_id)
    kind = adapter(channel)
    policy = Policy(channel.attempts, channel.backoff, kind.idempotent)
    return ChannelFacts(channel.pk, channel.name, kind, policy, channel.rate, version)


@lru_cache(maxsize=1_000)
def job(broadcast_id: int, revision: int = 0) -> Job:
    """What this broadcast sends; ``broken`` says why, when that can't be made ready.

    ``revision``: the one that is known, so that what was read before an edit is read again.
    """
    broadcast = Broadcast.objects.select_related("story_version__story", "code_pool").get(
        pk=broadcast_id
    )
    version = broadcast.story_version
    facts: dict[str, Any] = {
        "id": broadcast.pk,
        "key": broadcast.key,
        "title": compile_text(""),
        "scheduled_at": clock.to_us(broadcast.scheduled_at or broadcast.created_at),
        "story": {"id": version.story_id, "name": version.story.name} if version else None,
        "data": broadcast.data,
        "gaps": frozenset(broadcast.accepted_gaps),
        "fires": broadcast.type == Broadcast.Type.TRIGGER,
        "single": broadcast.type == Broadcast.Type.SINGLE,
        "answer": broadcast.is_answer,
        "language": settings.CLARION.language,
        "sample_code": _sample_code(broadcast),
    }
    try:
        compiled = _title(broadcast) | _content(broadcast)
        return Job(**facts | compiled, links=_links(compiled))
    except ContentError as error:
        return Job(**facts, text=compile_text(""), broken=str(error))


def _links(compiled: Mapping[str, Any]) -> tuple[str, ...]:
    """Which links of the recipient's own the title and the content show."""
    texts: list[Text] = [compiled[name] for name in ("title", "text") if name in compiled]
    texts += compiled["template"][2] if "template" in compiled else []
    used = {name for text in texts for name in text.variables()}
    if compiled.get("script"):
        used |= compiled["script"].variables()
    return tuple(name for name in LINKS if name in used)


def _sample_code(broadcast: Broadcast) -> str:
    if broadcast.code_pool is None or broadcast.type != Broadcast.Type.SINGLE:
        return ""
    return sample(broadcast.code_pool)


def _title(broadcast: Broadcast) -> dict[str, Text]:
    """The title, which is no template where no channel shows it to anybody."""
    try:
        return {"title": compile_text(broadcast.title)}
    except ContentError as error:
        if not any(kind_class(each.kind).limits.titled for each in broadcast.channels.all()):
            return {}
        raise ContentError(f"{OF_TITLE}{error}") from None


def _content(broadcast: Broadcast) -> dict[str, Any]:
    """The text, script or template of a broadcast, compiled. Raises ContentError."""
    of, version, template = Broadcast.DataType, broadcast.story_version, broadcast.template
    tracking = _tracking(broadcast)
    if broadcast.data_type == of.STORY and version is not None:
        blocks = tracking.mark_blocks(version.blocks) if tracking else version.blocks
        script = compile_script(blocks, load=media.load)
        return {"text": compile_text(""), "script": script, "tracking": tracking}
    if broadcast.data_type == of.TEMPLATE:
        texts = tuple(compile_text(text) for text in template.get("variables", ()))
        named = (template.get("name", ""), template.get("language", ""), texts)
        return {"text": compile_text(""), "template": named}
    text = tracking.mark(broadcast.text) if tracking else broadcast.text
    return {"text": compile_text(text), "tracking": tracking}


def _tracking(broadcast: Broadcast) -> Tracking | None:
    """What tracks its links; None where none are. Raises ContentError where they can't be."""
    if not broadcast.track_clicks:
        return None
    if reason := why_not_tracked(broadcast.data_type):
        raise ContentError(reason)
    targets = {link.target for link in links_in(link_sources(broadcast))}
    return Tracking(number_links(broadcast.pk, targets))
