"""Long answers that leave as they are made, with memory that stays flat."""

from collections.abc import Iterator
from pathlib import Path

from django.http import StreamingHttpResponse

from clarion.accounts import audit
from clarion.accounts.models import Agent


def download(chunks: Iterator[bytes], filename: str) -> StreamingHttpResponse:
    """A CSV file for saving; ``chunks`` are made while it is read."""
    response = StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store"
    return response


def stored_file(path: Path, filename: str, what: str, by: Agent) -> StreamingHttpResponse:
    """A stored CSV file about people, such as rejected lines. ``what``: for the audit log."""
    audit.note_export(what, by)
    return download(_pieces(path), filename)


def _pieces(path: Path) -> Iterator[bytes]:
    """A file, 64 KiB at a time."""
    with path.open("rb") as file:
        while piece := file.read(65_536):
            yield piece
