"""Media: images and files that stories and e-mails send."""

from ninja import File, UploadedFile
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import MULTIPART, ApiRequest
from clarion.api.operations import operation
from clarion.api.problems import not_found
from clarion.api.types import Moment, Output
from clarion.content import media
from clarion.content.errors import ContentError
from clarion.content.models import Upload

AREA = "Media"


class MediaOut(Output):
    """An upload. Use its token as `media` of an image or file block, or in `attachments`."""

    token: str
    name: str
    content_type: str
    size: int = Field(description="Bytes")
    path: str = Field(description="Where this server serves it")
    created_at: Moment


@operation(
    AREA, "POST", "/media", MediaOut,
    Rules("content:write", repeatable=True, body=MULTIPART), status=201,
)  # fmt: skip
def create_media(request: ApiRequest, file: File[UploadedFile]) -> Created:
    """Upload an image or a file of up to 10 MB

    It is deleted after a week in which no story and no broadcast uses it.
    """
    row = media.save_upload(file.name or "file", file.content_type or "", file.chunks())
    return Created(_shown(row), f"/api/v1/media/{row.token}")


@operation(AREA, "GET", "/media/{token}", MediaOut, Rules("content:read"))
def get_media(request: ApiRequest, token: str) -> MediaOut:
    """Get what is known of an upload"""
    try:
        return _shown(media.find(token))
    except ContentError:
        raise not_found("such upload") from None


def _shown(row: Upload) -> MediaOut:
    return MediaOut(
        token=row.token,
        name=row.name,
        content_type=row.content_type,
        size=row.size,
        path=media.address(row),
        created_at=row.created_at,
    )
