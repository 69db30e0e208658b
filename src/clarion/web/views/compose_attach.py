"""The attachments of a draft: added and removed on its page."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clarion.accounts.models import Role
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.mail import MOST_ATTACHMENTS
from clarion.content import media
from clarion.content.errors import ContentError
from clarion.web.composed import from_post, uploads_of
from clarion.web.requests import AgentRequest, needs
from clarion.web.views import compose


@needs(Role.SENDER)
@require_POST
def compose_attach(request: AgentRequest) -> HttpResponse:
    """Keep the files as attachments of the draft, or remove one."""
    composition = from_post(request.POST)
    draft = compose.draft_of(request)
    removed = request.POST.get("detach", "")
    tokens = [row.token for row in composition.attachments if row.token != removed]
    problems = []
    for upload in request.FILES.getlist("attachment_file") if not removed else ():
        if len(tokens) >= MOST_ATTACHMENTS:
            problems.append(_("An e-mail has at most %s attachments.") % MOST_ATTACHMENTS)
            break
        try:
            row = media.save_upload(
                upload.name or "file", upload.content_type or "", upload.chunks()
            )
            tokens.append(row.token)
        except ContentError as error:
            problems.append(f"{upload.name}: {error}")
    composition.attachments = uploads_of(tokens)
    composition.mail["attachments"] = [row.token for row in composition.attachments]
    if draft is not None or composition.is_worth_keeping:
        try:
            draft = compose.save(request, draft, composition)
        except LaunchError as error:
            return compose.refused(request, draft, error)
    more = {"attach_problem": " ".join(problems)}
    return compose.saved(request, draft, composition, part="attachments", more=more)
