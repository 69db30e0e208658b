"""What a draft says, to whom and when, as programs write it, and as the packages store it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from clarion.api.lookups import chosen
from clarion.api.problems import wrong_field
from clarion.api.types import Id, Input, MomentIn
from clarion.broadcasts.draft_fields import LONGEST_LINE, MOST_VARIABLES, TITLE_LENGTH
from clarion.broadcasts.gaps import ALL as EVERY_GAP
from clarion.broadcasts.mail import LONGEST as LONGEST_OF_MAIL
from clarion.broadcasts.mail import MOST_ATTACHMENTS
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import MOST_NUMBERS, find_chats, find_users
from clarion.broadcasts.query import Audience
from clarion.broadcasts.recurrence import Recurrence
from clarion.broadcasts.trigger import Trigger
from clarion.channels.models import Channel
from clarion.codes.models import CodePool
from clarion.content.formats import Format
from clarion.content.models import Story
from clarion.kit.rates import FASTEST, SLOWEST
from clarion.segments.models import Segment

Names = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=200)]
Ids = Annotated[list[Id], Field(max_length=200)]


class TextContent(Input):
    """A text, with variables such as {{ contact.name }}."""

    type: Literal["text"]
    text: str = Field(max_length=100_000)
    format: Format = Field("text", description="How the text is written")


class StoryContent(Input):
    """A story."""

    type: Literal["story"]
    story_id: Id


class TemplateContent(Input):
    """A template that the provider has approved."""

    type: Literal["template"]
    name: str = Field(max_length=LONGEST_LINE)
    language: str = Field(max_length=LONGEST_LINE)
    variables: list[Annotated[str, Field(max_length=LONGEST_LINE)]] = Field(
        default_factory=list, max_length=MOST_VARIABLES
    )


Content = Annotated[TextContent | StoryContent | TemplateContent, Field(discriminator="type")]


class AudienceIn(Input):
    """Who it is for, of the contacts on its channels."""

    kind: Literal["all", "tags", "segments", "contacts"]
    tags: Names = Field(default_factory=list, description="With kind tags: any of these")
    without_tags: Names = Field(default_factory=list)
    segment_ids: Ids = Field(default_factory=list, description="With kind segments: any of these")
    without_segment_ids: Ids = Field(default_factory=list)
    consents: Names = Field(default_factory=list, description="Only who has given all of these")
    only_written: bool = Field(False, description="Only who has written to the channel")
    chat_numbers: list[Id] = Field(
        default_factory=list, max_length=MOST_NUMBERS, description="With kind contacts"
    )
    user_ids: list[str] = Field(
        default_factory=list, max_length=MOST_NUMBERS, description="With kind contacts"
    )


class NowIn(Input):
    """As soon as it is started, after the undo window."""

    type: Literal["now"]


class ScheduledIn(Input):
    """At one time."""

    type: Literal["scheduled"]
    at: MomentIn
    time_zone: str = Field("", max_length=64)


class PeriodicIn(Input):
    """Repeatedly."""

    type: Literal["periodic"]
    recurrence: Recurrence
    time_zone: str = Field("", max_length=64)


class TriggerIn(Input):
    """When something happens to a contact."""

    type: Literal["trigger"]
    trigger: Trigger
    time_zone: str = Field("", max_length=64)


class ExternalIn(Input):
    """When a program calls: POST /broadcasts/{id}/runs, or its secret URL."""

    type: Literal["external"]


When = Annotated[
    NowIn | ScheduledIn | PeriodicIn | TriggerIn | ExternalIn, Field(discriminator="type")
]


_Line = Annotated[str, Field(max_length=LONGEST_OF_MAIL)]


class MailIn(Input):
    """What only e-mails have, each with variables; what is left out stays, `""` removes it."""

    preheader: _Line = Field("", description="What mail programs show after the subject")
    from_name: _Line = Field("", description="The sender's name, instead of the channel's")
    reply_to: _Line = Field("", description="Where replies go, instead of the channel's reply-to")
    layout: str = Field(
        "", max_length=20, description="The id of a layout, `none`, or empty for the default"
    )
    plain_text: str = Field(
        "", max_length=100_000, description="Beside the HTML; empty: made of the HTML"
    )
    images: Literal["hosted", "inline"] = Field(
        "hosted",
        description="Where uploaded pictures are: on this server, or in the e-mail itself",
    )
    attachments: list[Annotated[str, Field(max_length=16)]] = Field(
        default_factory=list,
        max_length=MOST_ATTACHMENTS,
        description="The tokens of uploads, see POST /media; an empty list removes them",
    )


class DraftPatch(Input):
    """The parts of a draft; what is left out stays."""

    title: str = Field("", max_length=TITLE_LENGTH, description="Also the subject of e-mails")
    content: Content | None = None
    mail: MailIn | None = None
    channel_ids: Ids | None = None
    audience: AudienceIn | None = None
    when: When | None = None
    sample_data: dict[str, Any] = Field(
        default_factory=dict, max_length=100, description="{{ data.x }} in previews and test sends"
    )
    code_pool_id: Id | None = None
    end_open_chats: bool = False
    track_clicks: bool = Field(False, description="Record who clicks the links in the message")
    track_opens: bool = Field(
        False, description="Count who loads an invisible image in e-mails; unreliable"
    )
    rate: float | None = Field(None, ge=SLOWEST, le=FASTEST, description="Messages a second")
    send_to_others: bool = Field(
        False, description="Send even if some recipients get nothing, as they lack a variable"
    )


class DraftIn(DraftPatch):
    """A draft. What is not filled in yet is reported by GET /broadcasts/{id}/problems."""


_PLAIN = ("title", "sample_data", "end_open_chats", "track_clicks", "track_opens", "rate")


def package_fields(body: DraftPatch, draft: Broadcast | None) -> dict[str, Any]:
    """What ``drafts.create_draft`` and ``edit_draft`` take, of what was sent. Raises Problem."""
    passed = body.model_fields_set
    plain = set(_PLAIN) & passed
    fields: dict[str, Any] = {name: getattr(body, name) for name in plain}
    if "send_to_others" in passed:
        fields["accepted_gaps"] = [EVERY_GAP] if body.send_to_others else []
    if "code_pool_id" in passed:
        fields["code_pool"] = chosen(CodePool.objects.all(), body.code_pool_id, "code_pool_id")
    if body.content is not None:
        fields |= content_fields(body.content)
    if body.mail is not None:
        fields["mail"] = body.mail.model_dump(exclude_unset=True)
    if body.when is not None:
        fields |= _when_fields(body.when)
    channels = None
    if body.channel_ids is not None:
        channels = fields["channels"] = _channels(body.channel_ids)
    if body.audience is not None:
        if channels is None:
            channels = list(draft.channels.all()) if draft is not None else []
        fields |= _audience_fields(body.audience, channels)
    return fields


def content_fields(content: TextContent | StoryContent | TemplateContent) -> dict[str, Any]:
    """What is sent. Raises Problem for a story that does not exist."""
    match content:
        case TextContent():
            fields = {"data_type": "text", "text": content.text}
            # Left out of an edit, the draft keeps the one it has.
            return fields | content.model_dump(include={"format"}, exclude_unset=True)
        case StoryContent():
            stories = Story.objects.filter(archived_at=None)
            story = chosen(stories, content.story_id, "content.story_id")
            return {"data_type": "story", "story": story}
    return {"data_type": "template", "template": content.model_dump(exclude={"type"})}


def _when_fields(when: Any) -> dict[str, Any]:
    types = Broadcast.Type
    fields: dict[str, Any] = {
        "type": types.BROADCAST, "scheduled_at": None, "recurrence": {}, "trigger": {},
        "time_zone": getattr(when, "time_zone", ""),
    }  # fmt: skip
    match when:
        case ScheduledIn():
            fields["scheduled_at"] = when.at
        case PeriodicIn():
            fields["recurrence"] = when.recurrence.model_dump()
        case TriggerIn():
            fields |= {"type": types.TRIGGER, "trigger": when.trigger.model_dump(by_alias=True)}
        case ExternalIn():
            fields["type"] = types.EXTERNAL
    return fields


def _channels(ids: list[int]) -> list[Channel]:
    channels = Channel.objects.in_bulk(ids)
    for index, number in enumerate(ids):
        if number not in channels:
            raise wrong_field(f"channel_ids.{index}", f"There is no channel {number}.")
    return list(channels.values())


def _audience_fields(audience: AudienceIn, channels: list[Channel]) -> dict[str, Any]:
    for name in ("segment_ids", "without_segment_ids"):
        for index, number in enumerate(getattr(audience, name)):
            chosen(Segment.objects.all(), number, f"audience.{name}.{index}")
    stored = Audience(
        kind="picks" if audience.kind == "contacts" else audience.kind,
        tags=audience.tags,
        without_tags=audience.without_tags,
        segments=audience.segment_ids,
        without_segments=audience.without_segment_ids,
        consents=audience.consents,
        only_written=audience.only_written,
        picked_from="hand" if audience.kind == "contacts" else "",
    )
    fields: dict[str, Any] = {"audience": stored}
    if audience.kind == "contacts":
        people = find_chats(audience.chat_numbers, channels) if audience.chat_numbers else []
        people += find_users(audience.user_ids, channels) if audience.user_ids else []
        fields["picks"] = [address.pk for address in people]
    return fields
