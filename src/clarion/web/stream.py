"""Long answers that leave as they are made, with memory that stays flat."""

from collections.abc import Iterator
from pathlib import Path

from django.http import StreamingHttpResponse


def download(chunks: Iterator[bytes], filename: str) -> StreamingHttpResponse:
    """A CSV file for saving; ``chunks`` are made while it is read."""
    response = StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store"
    return response


def pieces(path: Path) -> Iterator[bytes]:
    """A file, 64 KiB at a time."""
    with path.open("rb") as file:
        while piece := file.read(65_536):
            yield piece
