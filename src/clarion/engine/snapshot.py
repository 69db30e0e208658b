"""What a worker knows of channels and broadcasts while it sends, read afresh every 200 ms."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.conf import settings

from clarion.accounts import audit
from clarion.broadcasts.mail import MAIL_FIELDS, mail_sources, sends_mail
from clarion.broadcasts.mail_bodies import body_of, markup_of
from clarion.broadcasts.mail_files import has_inline_images, page_with_images
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import why_not_tracked
from clarion.broadcasts.template_fit import category_of, places
from clarion.broadcasts.versions import link_sources, version_of
from clarion.channels.abilities import ResolvesIds, SpacesMessages
from clarion.channels.contract import ChannelKind
from clarion.channels.day_limits import people_a_day
from clarion.channels.models import Channel
from clarion.channels.recipients import has_window
from clarion.channels.registry import adapter, counts_requests, kind_class
from clarion.clicks.links import count_opens, number_links
from clarion.clicks.tracking import Tracking, links_in, sample_tracking
from clarion.codes.pools import sample
from clarion.contacts import attribute_types
from clarion.content import media
from clarion.content.errors import LINKS, OF_TITLE, ContentError
from clarion.content.mail.bodies import Body
from clarion.content.preview import promised
from clarion.content.rendering import Text, compile_html, compile_text
from clarion.content.script import Script, compile_script
from clarion.engine.retry import Policy
from clarion.kit import clock, db
from clarion.kit.parts import Media, Purpose
from clarion.kit.weighed_cache import WeighedCache
from clarion.records import tallies

KEPT = 64 * 1_048_576  # bytes of the jobs that are kept
_OF_A_JOB = 16_384  # bytes beside its texts
_OF_A_CHARACTER = 8  # bytes: as it was written, and compiled


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """An active channel that has something to send."""

    id: int
    name: str
    kind: ChannelKind
    policy: Policy
    rate: float | None  # messages a second, for which the claim has their moments
    version: str  # changes whenever its settings are saved
    has_window: bool = False  # whether it sends only for a time after a person wrote
    request_rate: float | None = None  # requests a second, where that is what its provider counts
    people_a_day: int | None = None  # it may begin a conversation with, see channels.day_limits
    pair_gap: int = 0  # microseconds between two messages of a story to one person
    names: ResolvesIds | None = None  # its kind, where user ids may be names


@dataclass(frozen=True, slots=True)
class Job:
    """What a broadcast sends. It changes only when a live one is edited: see its revision."""

    id: int
    key: str
    title: Text
    text: Text
    scheduled_at: int  # microseconds
    format: str = ""  # how the text is written, one of markup.FORMATS; "": as it is shown
    script: Script | None = None  # of a story
    story: Mapping[str, Any] | None = None  # its id and name, for its webhooks
    # Name, language, variables, where they belong, and the category.
    template: tuple[str, str, tuple[Text, ...], tuple[str, ...], str] | None = None
    mail: Mapping[str, Text] = field(default_factory=dict)  # see broadcasts.mail
    types: Mapping[str, str] = field(default_factory=dict)  # of declared attributes, for a story
    page: Text | None = None  # the HTML of its e-mails, where they are not made from the text
    page_text: Text | None = None  # beside it
    # Uploads without their bytes: those that the page shows by their Content-ID, and those that are
    # attached to its e-mails.
    images: tuple[Media, ...] = ()
    attachments: tuple[Media, ...] = ()
    weight: int = 0  # bytes of one request with its files, about; 0 without files of its own
    inline: bool = False  # whether uploaded pictures are in the e-mail itself
    reads_files: bool = True  # not in a dry run
    data: dict[str, Any] = field(default_factory=dict)  # {{ data.x }}
    broken: str = ""  # why it can't be sent to anybody: an upload that is gone, for example
    fires: bool = False  # a trigger: each person has a moment of their own
    # What some recipients lack, where an agent decided to send to the others: see broadcasts.gaps.
    gaps: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()  # which of the variables LINKS its texts show
    sample_code: str = ""  # of a test send, which uses no code up
    tracking: Tracking | None = None  # of the links in its messages
    counts_opens: bool = False  # its e-mails have an image of this server
    language: str = ""  # of those whose own is not known
    single: bool = False  # to one person at once
    purpose: Purpose = "broadcast"
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
        "SELECT c.id, c.kind, c.config, c.attempts, c.backoff, c.rate, c.only_written, "
        "c.reported_people, c.waits_until "
        f"FROM channels_channel c JOIN {db.json_table([('id', 'int')])} ON v.id = c.id "
        "WHERE c.state = 'active'",
        [db.json_param([key] for key in channel_ids)],
    )


def _facts(channel_id: int, version: str) -> ChannelFacts:
    channel = Channel.objects.get(pk=channel_id)
    kind = adapter(channel)
    policy = Policy(channel.attempts, channel.backoff, kind.idempotent)
    windowed = has_window(channel, "message")
    rates = (None, channel.rate) if counts_requests(channel.kind) else (channel.rate, None)
    gap = round(kind.pair_seconds * clock.SECOND) if isinstance(kind, SpacesMessages) else 0
    return ChannelFacts(
        channel.pk, channel.name, kind, policy, rates[0], version, windowed, rates[1],
        people_a_day(channel), gap, kind if isinstance(kind, ResolvesIds) else None,
    )  # fmt: skip


def job(broadcast_id: int, revision: int = 0) -> Job:
    """What this broadcast sends; ``broken`` says why, when that can't be made ready.

    ``revision``: the one that is known, so that what was read before an edit is read again. What
    was read last is kept, as far as it is not too large.
    """
    return _jobs.get((broadcast_id, revision), partial(_read_job, broadcast_id))


def _read_job(broadcast_id: int) -> Job:
    broadcast = Broadcast.objects.select_related("story_version__story", "code_pool").get(
        pk=broadcast_id
    )
    compiled = _job(broadcast, lambda: _tracking(broadcast), media.describe)
    if compiled.counts_opens:
        count_opens(broadcast_id)
    return compiled


def _weight(of: Job) -> int:
    """How many bytes a job keeps, about. Uploads are only described: their bytes are elsewhere."""
    texts = [of.title, of.text, *of.mail.values()]
    texts += [text for text in (of.page, of.page_text) if text is not None]
    texts += of.template[2] if of.template else ()
    sources = [text.source for text in texts]
    if of.script is not None:
        sources += of.script.sources
    return _OF_A_JOB + _OF_A_CHARACTER * sum(map(len, sources)) + len(json.dumps(of.data))


_jobs: WeighedCache[Job] = WeighedCache(KEPT, _weight)


def forget_jobs() -> None:
    """Forget what was read of broadcasts."""
    _jobs.clear()


def dry_job(broadcast: Broadcast) -> Job:
    """What a broadcast that is not sent yet would send, for a dry run.

    Nothing is written and no upload is read: tracked links are as long as real ones, codes are
    samples, and pictures and files have their size alone. Variables whose values come only with
    the sending are filled in from the sample data, else with their names.
    """
    broadcast.story_version = version_of(broadcast)
    compiled = _job(broadcast, lambda: _sample_tracking(broadcast), media.measure)
    sample_code = sample(broadcast.code_pool) if broadcast.code_pool else ""
    names = promised(variables_of(compiled), lambda name: f"‹{name}›")
    data = {**names["data"], **broadcast.sample_data, **broadcast.data}
    return replace(compiled, sample_code=sample_code, data=data, reads_files=False)


def _job(
    broadcast: Broadcast, tracking: Callable[[], Tracking | None], load: Callable[[str], Media]
) -> Job:
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
        "purpose": _purpose(broadcast),
        "counts_opens": broadcast.track_opens,
        "language": settings.CLARION.language,
        "sample_code": _sample_code(broadcast),
    }
    try:
        head = _title(broadcast) | _mail(broadcast) | _files(broadcast, load)
        compiled = Job(**facts | head | _content(broadcast, tracking(), load))
        used = variables_of(compiled)
        links = tuple(name for name in LINKS if name in used)
        return replace(compiled, links=links, weight=_request_weight(compiled))
    except ContentError as error:
        return Job(**facts, text=compile_text(""), broken=str(error))


def _request_weight(compiled: Job) -> int:
    """Twice its files: a request may have them in base64 of base64 (16/9)."""
    in_mails = sum(file.size for file in (*compiled.images, *compiled.attachments))
    return 2 * max(in_mails, compiled.script.largest_file if compiled.script else 0)


def _purpose(broadcast: Broadcast) -> Purpose:
    """What its messages are: Clarion's own answers are automatic, whoever wrote their text."""
    if broadcast.type != Broadcast.Type.SINGLE:
        return "broadcast"
    is_own = broadcast.agent_id is None and broadcast.agent_name == audit.WORKER
    return "automatic" if is_own else "single"


def variables_of(compiled: Job) -> set[str]:
    """The dotted names of all variables that the title and the content show."""
    texts = [compiled.title, compiled.text, *compiled.mail.values()]
    texts += [text for text in (compiled.page, compiled.page_text) if text is not None]
    texts += compiled.template[2] if compiled.template else ()
    used = {name for text in texts for name in text.variables()}
    return used | compiled.script.variables() if compiled.script else used


def _sample_code(broadcast: Broadcast) -> str:
    if broadcast.code_pool is None or broadcast.type != Broadcast.Type.SINGLE:
        return ""
    return sample(broadcast.code_pool)


def _title(broadcast: Broadcast) -> dict[str, Any]:
    """The title, which is no template where no channel shows it to anybody."""
    try:
        return {"title": compile_text(broadcast.title)}
    except ContentError as error:
        if not any(kind_class(each.kind).limits.titled for each in broadcast.channels.all()):
            return {}
        raise ContentError(f"{OF_TITLE}{error}") from None


def _mail(broadcast: Broadcast) -> dict[str, Any]:
    """The templates of its e-mails, by field; none where no channel sends e-mail."""
    compiled = {}
    for name, source in mail_sources(broadcast, list(broadcast.channels.all())).items():
        try:
            compiled[name] = compile_text(source)
        except ContentError as error:
            raise error.within(MAIL_FIELDS[name]) from None
    return {"mail": compiled}


def _files(broadcast: Broadcast, load: Callable[[str], Media]) -> dict[str, Any]:
    """What its e-mails carry. Raises ContentError for an upload that is gone."""
    attachments = tuple(map(load, broadcast.mail.get("attachments", ())))
    return {"attachments": attachments, "inline": has_inline_images(broadcast)}


def _content(
    broadcast: Broadcast, tracking: Tracking | None, load: Callable[[str], Media]
) -> dict[str, Any]:
    """The text, script or template of a broadcast, compiled. Raises ContentError."""
    of, version, template = Broadcast.DataType, broadcast.story_version, broadcast.template
    if broadcast.data_type == of.STORY and version is not None:
        blocks = tracking.mark_blocks(version.blocks) if tracking else version.blocks
        script = compile_script(blocks, load=load)
        story = {"script": script, "types": attribute_types.declared()}
        return {"text": compile_text(""), "tracking": tracking, **story}
    if broadcast.data_type == of.TEMPLATE:
        texts = tuple(compile_text(text) for text in template.get("variables", ()))
        on = broadcast.channels.all()
        named = (
            template.get("name", ""), template.get("language", ""), texts,
            places(template, on), category_of(template, on),
        )  # fmt: skip
        return {"text": compile_text(""), "template": named}
    body = body_of(broadcast, tracking.mark_link if tracking else None)
    if body is not None:
        return {**_pages(broadcast, body, tracking, load), "tracking": tracking}
    text = tracking.mark(broadcast.text) if tracking else broadcast.text
    how = markup_of(broadcast)
    return {"text": compile_text(text, how), "format": how, "tracking": tracking}


def _pages(
    broadcast: Broadcast, body: Body, tracking: Tracking | None, load: Callable[[str], Media]
) -> dict[str, Any]:
    """The text for channels without e-mail, and where there are others, the e-mails' templates."""
    marked = tracking.mark if tracking else str
    compiled: dict[str, Any] = {"text": compile_text(marked(body.text))}
    if sends_mail(broadcast.channels.all()):
        html, tokens = page_with_images(broadcast, body)
        compiled["images"] = tuple(map(load, tokens))
        compiled["page"] = compile_html(html)
        compiled["page_text"] = compile_text(marked(body.whole_text))
    return compiled


def _tracking(broadcast: Broadcast) -> Tracking | None:
    """What tracks its links; None where none are. Raises ContentError where they can't be."""
    targets = _targets(broadcast)
    return Tracking(number_links(broadcast.pk, targets)) if targets is not None else None


def _sample_tracking(broadcast: Broadcast) -> Tracking | None:
    """As ``_tracking``, with numbers of its own: no link is stored."""
    targets = _targets(broadcast)
    return sample_tracking(targets) if targets is not None else None


def _targets(broadcast: Broadcast) -> set[str] | None:
    """Where its tracked links lead; None where none are. Raises ContentError."""
    if not broadcast.track_clicks:
        return None
    if reason := why_not_tracked(broadcast):
        raise ContentError(reason)
    return {link.target for link in links_in(link_sources(broadcast))}
