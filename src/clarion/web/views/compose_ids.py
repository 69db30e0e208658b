"""The audience as a CSV file of user ids (A3): read, chosen from, and what was left out."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts.models import Role
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.query import content_of
from clarion.channels.recipients import only_written
from clarion.contacts import uploads
from clarion.contacts.csv_ids import IdList, IdsRefused, read_ids
from clarion.contacts.rejects import Reject
from clarion.web.composed import from_post
from clarion.web.forms.compose import Composition
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import stored_file
from clarion.web.views import compose

SHOWN = 5  # lines left out that are shown at once
REJECTS = ".rejects.csv"


@dataclass(frozen=True, slots=True)
class IdFileResult:
    """What became of the file."""

    name: str
    token: str  # of the lines that were left out
    accepted: int
    rejected: int
    sample: list[Reject]


@needs(Role.SENDER)
@require_POST
def compose_ids(request: AgentRequest) -> HttpResponse:
    """Read the file and take its people as the audience of the draft."""
    composition = from_post(request.POST)
    composition.audience, composition.form["audience"] = "ids", ["ids"]
    draft = compose.draft_of(request)
    token, name = _upload(request)
    context: dict[str, Any] = {"ids_token": token, "ids_name": name}
    try:
        if len(composition.channels) != 1:
            raise IdsRefused(_("Choose exactly one channel first: ids belong to a channel."))
        ids = _read(token, composition, request.POST.get("ids_column") or None)
        composition.picks = list(ids.address_ids)
        context["ids"] = _result(ids, token, name)
    except IdsRefused as refused:
        context |= {"ids_problem": str(refused), "ids_columns": refused.columns}
    if draft is not None or composition.is_worth_keeping:
        try:
            draft = compose.save(request, draft, composition)
        except LaunchError as error:
            return compose.refused(request, draft, error)
    return compose.saved(request, draft, composition, part="audience", more=context)


def _upload(request: AgentRequest) -> tuple[str, str]:
    upload = request.FILES.get("ids_file")
    token, name = request.POST.get("ids_token", ""), request.POST.get("ids_name", "")
    # The input still holds the file when it is the column that is being chosen.
    if upload is not None and (not token or upload.name != name):
        return uploads.keep(upload.chunks()), upload.name or "file"
    return token, name


def _read(token: str, composition: Composition, column: str | None) -> IdList:
    channel = composition.channels[0]
    try:
        path = uploads.path(token)
    except FileNotFoundError:
        raise IdsRefused(_("Choose a file.")) from None
    if not path.exists():
        raise IdsRefused(_("The upload is no longer available. Choose the file again."))
    demanded = only_written(channel, content_of(composition.unsaved(None)))
    return read_ids(
        path,
        channel=channel,
        column=column,
        rejects=uploads.path(token, REJECTS),
        only_written=composition.only_written or demanded,
    )


def _result(ids: IdList, token: str, name: str) -> IdFileResult:
    uploads.drop(token)
    accepted, left_out = len(ids.address_ids), ids.rejected_count
    return IdFileResult(name, token, accepted, left_out, ids.rejected[:SHOWN])


@needs(Role.SENDER)
@require_safe
def compose_rejects(request: AgentRequest, token: str) -> HttpResponseBase:
    """The lines of a file of user ids that were left out, as CSV."""
    try:
        path = uploads.path(token, REJECTS)
    except FileNotFoundError:
        raise Http404 from None
    if not path.exists():
        raise Http404
    return stored_file(path, "lines-left-out.csv", "lines left out of a file of ids", request.user)
