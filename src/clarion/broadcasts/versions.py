"""Which version of its story a broadcast sends, and all texts that people get to see."""

from collections.abc import Iterator, Sequence

from clarion.broadcasts.content_fit import shows_title
from clarion.broadcasts.mail import mail_sources, sends_mail
from clarion.broadcasts.mail_bodies import body_of, fixed_layout
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.clicks.tracking import Address, sources_in
from clarion.content import media, stories
from clarion.content.mail.bodies import links_of
from clarion.content.models import StoryVersion
from clarion.content.script import compile_script


def version_of(broadcast: Broadcast) -> StoryVersion | None:
    """The version that it sends: the fixed one, or the newest until it is launched.

    None where it sends no story.
    """
    if broadcast.data_type != Broadcast.DataType.STORY or broadcast.story is None:
        return None
    return broadcast.story_version or stories.newest(broadcast.story)


def fix_content(broadcast: Broadcast) -> Broadcast:
    """Fix the version of a draft's story, the newest, and its layout. Later edits change nothing.

    A restart comes with the version that the people have had the beginning of.
    """
    layout = fixed_layout(broadcast)
    if layout != broadcast.mail_layout:
        draft = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        draft.update(mail_layout=layout)
        broadcast.mail_layout = layout
    version = version_of(broadcast)
    if version is not None and broadcast.story_version_id is None:
        draft = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        draft.update(story_version=version)
        broadcast.story_version = version
    return broadcast


def link_sources(broadcast: Broadcast) -> list[str]:
    """The texts, as they were written, whose links can be tracked; none of a template."""
    match broadcast.data_type:
        case Broadcast.DataType.STORY:
            version = version_of(broadcast)
            return sources_in(version.blocks) if version else []
        case Broadcast.DataType.TEXT:
            body = body_of(broadcast)
            return [broadcast.text] if body is None else [body.text, *map(Address, links_of(body))]
    return []


def sources_of(broadcast: Broadcast, channels: Sequence[Channel]) -> Iterator[str]:
    """Every text that people get to see, as it was written. Raises ContentError."""
    if any(map(shows_title, channels)):
        yield broadcast.title
    yield from mail_sources(broadcast, channels).values()
    match broadcast.data_type:
        case Broadcast.DataType.STORY:
            if version := version_of(broadcast):
                yield from compile_script(version.blocks, load=media.glance).sources
        case Broadcast.DataType.TEMPLATE:
            yield from broadcast.template.get("variables", ())
        case _:
            body = body_of(broadcast)
            yield broadcast.text if body is None else body.text
            if body is not None and sends_mail(channels):
                yield from (body.html, body.whole_text)
