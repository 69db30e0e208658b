"""Uploads of stories, for providers and people to fetch: whoever knows the token may."""

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from clarion.content import media
from clarion.content.errors import ContentError, UnreadableUploadError
from clarion.content.models import Upload

log = structlog.get_logger()
A_YEAR = 31_536_000  # seconds; a token's bytes never change


@require_safe
def upload(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """One upload: images are shown, everything else is saved; nothing in it can run."""
    row = Upload.objects.filter(token=token, name=name).first() if "\x00" not in name else None
    if row is None:
        raise Http404("upload")
    try:
        data = media.read(row)
    except UnreadableUploadError:
        log.exception("upload_unreadable", upload=row.pk)
        return HttpResponse(status=503, headers={"Retry-After": "60"})
    except ContentError as error:
        raise Http404(str(error)) from None
    response = HttpResponse(data, content_type=row.content_type)
    response["Content-Disposition"] = content_disposition_header(
        not media.is_image(row), row.name
    ) or "attachment"  # fmt: skip
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
