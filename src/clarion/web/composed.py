"""The page of a draft with what its ids stand for: channels, a story, people."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from clarion.broadcasts import drafts
from clarion.broadcasts.errors import PicksError
from clarion.broadcasts.mail import BODY_FIELDS, MAIL_FIELDS
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import find_chats
from clarion.channels.models import Channel
from clarion.codes.models import CodePool
from clarion.content.models import Upload
from clarion.kit import rates
from clarion.web.forms import compose_when
from clarion.web.forms.compose import PARTS, Composition, parse
from clarion.web.forms.compose_when import When


def from_post(data: QueryDict) -> Composition:
    """The page as it was sent. Unknown channels and stories are left out."""
    composition = parse(data)
    if composition.audience == "chats":
        _find_chats(composition)
    composition.attachments = uploads_of(composition.mail["attachments"])
    composition.mail["attachments"] = [upload.token for upload in composition.attachments]
    composition.code_pool = CodePool.objects.filter(pk=composition.code_pool_id or 0).first()
    composition.channels, composition.story = drafts.look_up(
        composition.channel_ids, composition.story_id
    )
    return composition


def uploads_of(tokens: Sequence[str]) -> list[Upload]:
    """The uploads with these tokens that there are, in their order."""
    uploads = {upload.token: upload for upload in Upload.objects.filter(token__in=tokens)}
    return [uploads[token] for token in dict.fromkeys(tokens) if token in uploads]


def _find_chats(composition: Composition) -> None:
    try:
        addresses = find_chats(composition.chats)
    except PicksError as error:
        composition.problems["chats"] = str(error)
        addresses = error.found
        if not addresses:  # nothing is taken away by a click on this option alone
            return
    composition.picks = [address.pk for address in addresses]
    composition.channel_ids = sorted({address.channel_id for address in addresses})


def from_draft(draft: Broadcast) -> Composition:
    """The page for a draft that was saved: as the draft has it, and each part as it was left."""
    data = QueryDict(mutable=True)
    for name, values in _form_of(draft).items():
        data.setlist(name, values)
    for part, left in draft.form_state.get("parts", {}).items():
        for name in PARTS[part]:
            data.setlist(name, left["form"].get(name, []))
            if name not in left["form"]:
                del data[name]
    return from_post(data)


def _form_of(draft: Broadcast) -> dict[str, list[str]]:
    """The fields of the page as they are for a draft that was made elsewhere."""
    audience: Mapping[str, Any] = draft.audience
    template: Mapping[str, Any] = draft.template
    form = {
        "title": [draft.title],
        "text": [draft.text],
        "format": [draft.format],
        **{name: [source] for name, source in draft.mail.items() if name != "attachments"},
        "attachments": draft.mail.get("attachments", []),
        "data_type": [draft.data_type],
        "story": [str(draft.story_id or "")],
        "code_pool": [str(draft.code_pool_id or "")],
        "template_name": [template.get("name", "")],
        "template_language": [template.get("language", "")],
        "template_variables": list(template.get("variables", ())),
        "channels": [str(pk) for pk in draft.channels.values_list("pk", flat=True)],
        "audience": [_audience_of(audience)],
        "tags": audience.get("tags", []),
        "without_tags": audience.get("without_tags", []),
        "segments": [str(key) for key in audience.get("segments", [])],
        "without_segments": [str(key) for key in audience.get("without_segments", [])],
        "consents": audience.get("consents", []),
        "accepted_gaps": draft.accepted_gaps,
        "sample_data": [_as_json(draft.sample_data)],
        "rate": [rates.written(draft.rate)],
        "pause_rejected": [_percent(draft.pause_rejected)],
        "pause_unreachable": [_percent(draft.pause_unreachable)],
        **compose_when.form_of(draft),
    }
    if audience.get("only_written"):
        form["only_written"] = ["yes"]
    if draft.end_open_chats:
        form["end_open_chats"] = ["yes"]
    if draft.track_clicks:
        form["track_clicks"] = ["yes"]
    if draft.track_opens:
        form["track_opens"] = ["yes"]
    if audience.get("picked_from") == "chats":
        numbers = draft.picks.order_by("address_id").values_list("address_id", flat=True)
        form["chats"] = [", ".join(map(str, numbers))]
    return form


def _percent(value: int | None) -> str:
    return "" if value is None else str(value)


def _as_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) if data else ""


def _audience_of(audience: Mapping[str, Any]) -> str:
    if audience.get("kind") != "picks":
        return str(audience.get("kind", ""))
    source = audience["picked_from"]
    return source if source in {"chats", "ids", "hand"} else "picked"


def at_first(zone: str | None = None) -> Composition:
    """The page of a new broadcast. The channel is chosen when there is only one."""
    every = list(Channel.objects.order_by("name")[:2])
    only = every if len(every) == 1 else []
    return Composition(
        channel_ids=[channel.pk for channel in only],
        channels=only,
        mail={**dict.fromkeys((*MAIL_FIELDS, *BODY_FIELDS, "images"), ""), "attachments": []},
        audience="all",
        when=When(zone=zone or timezone.get_current_timezone_name()),
    )


def is_changed(composition: Composition) -> bool:
    """Whether the page is any different from that of a new broadcast."""
    first = at_first(composition.when.zone).draft_fields(None)
    mine = composition.draft_fields(None)
    mine["text"] = composition.text.strip()
    return any(mine[name] != first.get(name) for name in mine if name != "form_state")
