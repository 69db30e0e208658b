"""What stands in the way of sending a broadcast, in sentences that say what to do."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Literal

from clarion.broadcasts import recurrence, trigger
from clarion.broadcasts.audience import audience_problems
from clarion.broadcasts.content_fit import (
    VARIABLE,
    facts_of,
    has_templates,
    problems_of,
    shows_title,
    unfit_for_chats,
)
from clarion.broadcasts.draft_fields import form_problems
from clarion.broadcasts.mail import MAIL_FIELDS, mail_sources, reply_to_problem, sends_mail
from clarion.broadcasts.mail_bodies import body_of, has_body, markup_of, text_of
from clarion.broadcasts.mail_files import OF_ATTACHMENTS, file_problems
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import audience_of
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.template_fit import library_problems
from clarion.broadcasts.trial import Trial
from clarion.broadcasts.versions import link_sources, sources_of, version_of
from clarion.channels.fitting import length_of, unit_of
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.clicks.tokens import base
from clarion.clicks.tracking import as_sent, links_in
from clarion.codes.pools import why_not_issued
from clarion.contacts.attributes import known_variables
from clarion.content import blocks, media
from clarion.content.errors import CODE, LINKS, NO_CODE, OF_TITLE, ContentError
from clarion.content.rendering import compile_html, compile_text, unknown_variables
from clarion.content.scan import scan
from clarion.content.script import compile_script
from clarion.kit import clock
from clarion.kit.markup.pieces import MarkupError
from clarion.kit.markup.reading import check_template, plain_of

NO_PUBLIC_URL = (
    "Clicks can't be tracked, because this server has no public URL. Set CLARION_PUBLIC_URL, or "
    "turn off “Track clicks on links”."
)
OF_TEMPLATE = (
    "Clicks on the links of a template can't be tracked, because the provider approved the links "
    "as they are. Turn off “Track clicks on links”, or send a text or a story."
)
OF_FORMATTED = (
    "Clicks on links within a text formatted for chats can't be tracked. Turn off “Track clicks on "
    "links”, or put the link into a button of a story."
)
NO_LINK = (
    "“Track clicks on links” is on, but the message has no link that can be tracked. Write one "
    "that begins with https:// and its host, or turn it off."
)
NO_URL_OF_IMAGE = (
    "Opens can't be counted, because this server has no public URL. Set CLARION_PUBLIC_URL, or "
    "turn off “Count e-mail opens”."
)
NO_MAIL = "“Count e-mail opens” is on, but no e-mail channel is chosen. Choose one, or turn it off."
ONE_CHANNEL = "A file of user ids belongs to exactly one channel. Choose only that channel."
TIME_PASSED = "That time has passed. Choose a later one, or send now."


_OF_MAIL = (*MAIL_FIELDS.values(), OF_ATTACHMENTS)
Part = Literal["channels", "title", "mail", "content", "audience", "timing", "form"]


def check(broadcast: Broadcast) -> list[str]:
    """What stands in the way of sending, one sentence each; empty when it can be sent."""
    return list(check_parts(broadcast))


def check_parts(broadcast: Broadcast, channels: Sequence[Channel] | None = None) -> dict[str, Part]:
    """What stands in the way of sending: each sentence with the part of the draft it is about.

    ``channels``: those of a broadcast that is not saved yet.
    """
    if channels is None:
        channels = list(broadcast.channels.order_by("name"))
    content = content_problems(broadcast, channels)
    parts: list[tuple[Part, Sequence[str]]] = [
        ("channels", [] if channels else ["Choose at least one channel."]),
        ("channels", _opens_problems(broadcast, channels)),
        ("title", [each for each in content if each.startswith(OF_TITLE)]),
        ("mail", [each for each in content if each.startswith(_OF_MAIL)]),
        ("content", content),
        ("audience", _audience_problems(broadcast, channels)),
        ("timing", _when_problems(broadcast)),
        # What the page of the draft holds that is not valid yet: sending would leave it out.
        ("form", form_problems(broadcast.form_state)),
    ]
    problems: dict[str, Part] = {}
    for part, sentences in parts:
        for sentence in sentences:
            problems.setdefault(sentence, part)
    return problems


def content_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """What is wrong with the title and the text, story or template, on these channels."""
    problems = [
        *_CONTENT[broadcast.data_type](broadcast, channels),
        *_code_problems(broadcast, channels),
        *_link_problems(broadcast, channels),
        *_tracking_problems(broadcast),
    ]
    problems = [
        *_mail_problems(broadcast, channels), *problems, *file_problems(broadcast, channels)
    ]  # fmt: skip
    if not any(map(shows_title, channels)):
        return problems
    return [
        *(f"{OF_TITLE}{each}" for each in _template_faults(broadcast, broadcast.title)),
        *problems,
    ]


def _mail_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """What is wrong with the preheader, the sender's name and the reply-to of its e-mails."""
    sources = mail_sources(broadcast, channels)
    problems = [
        f"{MAIL_FIELDS[name]}{fault}"
        for name, source in sources.items()
        for fault in _template_faults(broadcast, source)
    ]
    if unfit := reply_to_problem(sources.get("reply_to", "")):
        problems.append(f"{MAIL_FIELDS['reply_to']}{unfit} Write one such as help@example.org.")
    return problems


def _template_faults(broadcast: Broadcast, source: str) -> list[str]:
    """What is wrong with a text as a template: its form, or variables that nobody has."""
    try:
        compile_text(source)
        return [_unknown(name) for name in unknown_variables(source, _known(broadcast))]
    except ContentError as error:
        return [str(error)]


def _text_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    text = broadcast.text
    if not text.strip():
        return ["Write a text."]
    problems = _template_faults(broadcast, text)
    if has_body(broadcast) and not problems:
        problems = _body_problems(broadcast, channels)
        text = "" if problems else text_of(broadcast)
    elif how := markup_of(broadcast):
        try:
            check_template(text, how)
            text = text if VARIABLE in text else plain_of(text, how)
        except MarkupError as error:
            problems.append(str(error))
    for channel in channels:
        limits = kind_class(channel.kind).limits
        sent = as_sent(text) if broadcast.track_clicks else text
        length, longest = length_of(sent, limits), limits.text_length
        if length > longest and VARIABLE not in text:
            problems.append(
                f"The text has {length:,} {unit_of(limits)}; {channel.name} accepts at most "
                f"{longest:,}."
            )
    return problems


def _body_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """What is wrong with the bodies of its e-mails, and with their layout."""
    try:
        body = body_of(broadcast)
        assert body is not None
        compile_html(body.html)
        sources = [body.html, body.whole_text] if sends_mail(channels) else [body.text]
        names = [name for each in sources for name in unknown_variables(each, _known(broadcast))]
    except ContentError as error:
        return [str(error)]
    return [_unknown(name) for name in dict.fromkeys(names)]


def _story_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    story = broadcast.story
    if story is None:
        return ["Choose a story."]
    if story.archived_at is not None and broadcast.story_version is None:
        return [f"The story “{story.name}” is deleted. Choose another one."]
    try:
        version = version_of(broadcast)
        assert version is not None
        script = compile_script(version.blocks, load=media.measure)
        story_blocks = blocks.from_stored(version.blocks)
        facts = list(facts_of(story_blocks, tracked=broadcast.track_clicks))
    except ContentError as error:
        return [f"The story “{story.name}” can't be sent yet: {error}"]
    problems = [_unknown(name) for name in script.unknown(_known(broadcast))]
    trial = Trial(broadcast)
    for channel in channels:
        limits = kind_class(channel.kind).limits
        unfit = {part.number: list(problems_of(limits, part)) for part in facts}
        problems += [
            f"{channel.name} {problem} Change the story, or leave the channel out."
            for problem in chain.from_iterable(unfit.values())
        ]
        problems += [
            f"{channel.name} can't send block {number}: {sentence}"
            for number, sentence in trial.refused(channel)
            if not unfit[number]
        ]
    return problems


def _template_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    template = broadcast.template
    problems = []
    if not template.get("name"):
        problems.append("Write the name of the template, as the provider approved it.")
    if not template.get("language"):
        problems.append("Write the language of the template, such as en or pt_BR.")
    for number, text in enumerate(template.get("variables", ()), 1):
        if not text.strip():
            problems.append(f"Variable {number} of the template is empty. Fill it in.")
            continue
        problems += [
            f"Variable {number} of the template: {fault}"
            for fault in _template_faults(broadcast, text)
        ]
    problems += [
        f"{channel.name} has no templates. Leave it out, or send a text or a story."
        for channel in channels
        if not has_templates(channel)
    ]
    if not problems:
        problems += library_problems(template, channels)
    if not problems:
        trial = Trial(broadcast)
        problems += [
            f"{channel.name} can't send this template: {sentence}"
            for channel in channels
            for _, sentence in trial.refused(channel)
        ]
    return problems


def _code_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """Why its code pool can't be used as it is."""
    pool = broadcast.code_pool
    if pool is None:
        return []
    if reason := why_not_issued(pool):
        return [reason]
    try:
        sources = sources_of(broadcast, channels)
        used = {use.name for source in sources for use in scan(source).uses}
    except ContentError:
        return []  # said elsewhere
    if CODE not in used:
        sentence = (
            f"The code pool “{pool.name}” is chosen, but the message shows no code. Insert "
            "{{ code }} where the code belongs, or choose no code pool."
        )
        return [sentence]
    return []


def _link_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """Why the links of the recipient's own that its texts show can't be made."""
    if base():
        return []
    try:
        sources = sources_of(broadcast, channels)
        used = {use.name for source in sources for use in scan(source).uses}
    except ContentError:
        return []  # said elsewhere
    return [
        f"{{{{ {name} }}}} needs the public address of this server. Set CLARION_PUBLIC_URL, or "
        "remove it from the message."
        for name in LINKS
        if name in used
    ]


def _tracking_problems(broadcast: Broadcast) -> list[str]:
    """Why clicks on its links can't be tracked, if they are to be."""
    if not broadcast.track_clicks:
        return []
    if reason := why_not_tracked(broadcast):
        return [reason]
    if broadcast.data_type == Broadcast.DataType.STORY and broadcast.story is None:
        return []  # said elsewhere
    try:
        sources = link_sources(broadcast)
    except ContentError:
        return []  # said elsewhere
    if any(source.strip() for source in sources) and not links_in(sources):
        return [NO_LINK]
    return []


def _opens_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    """Why opens of its e-mails can't be counted, if they are to be."""
    if not broadcast.track_opens:
        return []
    if not base():
        return [NO_URL_OF_IMAGE]
    return [NO_MAIL] if channels and not sends_mail(channels) else []


def why_not_tracked(broadcast: Broadcast) -> str:
    """Why clicks can't be tracked here, or with its content; empty where they can."""
    if not base():
        return NO_PUBLIC_URL
    if broadcast.data_type == Broadcast.DataType.TEMPLATE:
        return OF_TEMPLATE
    return OF_FORMATTED if markup_of(broadcast) else ""


_CONTENT: dict[str, Callable[[Broadcast, Sequence[Channel]], list[str]]] = {
    Broadcast.DataType.TEXT: _text_problems,
    Broadcast.DataType.STORY: _story_problems,
    Broadcast.DataType.TEMPLATE: _template_problems,
}


def _known(broadcast: Broadcast) -> set[str]:
    """The names of all variables that there can be, also of those that come with the launch."""
    brings_data = broadcast.type == Broadcast.Type.EXTERNAL or (
        broadcast.type == Broadcast.Type.TRIGGER and broadcast.trigger.get("on") == "event"
    )
    data = {"data"} if brings_data else {f"data.{name}" for name in broadcast.data}
    codes = {CODE} if broadcast.code_pool_id else set()
    return known_variables() | data | codes | set(LINKS)


def _unknown(name: str) -> str:
    if name == CODE:
        return NO_CODE
    advice = f'add a default: {{{{ {name} | default("…") }}}}.'
    match name.partition(".")[0]:
        case "data":
            return f"“{name}” exists only with an external call or an event. Remove it, or {advice}"
        case "memory":
            return f"Only a webhook earlier in the story can set “{name}”. Add one, or {advice}"
    return f"No contact has “{name}”. Correct the name, or {advice}"


def _audience_problems(broadcast: Broadcast, channels: Sequence[Channel]) -> list[str]:
    if not broadcast.audience:
        return ["Choose an audience."]
    if not channels:
        return []
    audience = audience_of(broadcast)
    if audience.picked_from == "ids" and len(channels) != 1:
        return [ONE_CHANNEL]
    if audience.picked_from == "chats" and (unfit := unfit_for_chats(broadcast.data_type)):
        return [unfit]
    return audience_problems(
        audience,
        channels,
        broadcast_id=broadcast.pk,
        may_be_empty=broadcast.is_live,  # who comes later is in it then
    )


def _when_problems(broadcast: Broadcast) -> list[str]:
    try:
        if broadcast.timing == Broadcast.Timing.SCHEDULED:
            return _time_problems(broadcast)
        if broadcast.timing == Broadcast.Timing.TRIGGER:
            trigger.parse(broadcast.trigger)
            clock.zone(broadcast.zone)
        if broadcast.timing == Broadcast.Timing.PERIODIC:
            rule = recurrence.parse(broadcast.recurrence)
            recurrence.next_run(rule, broadcast.zone, clock.now())
    except ValueError as error:
        return [str(error)]
    return []


def _time_problems(broadcast: Broadcast) -> list[str]:
    at = broadcast.scheduled_at
    is_draft = broadcast.state == BroadcastState.DRAFT
    return [TIME_PASSED] if is_draft and at is not None and at <= clock.now() else []
