"""Long answers that leave as they are made, with memory that stays flat."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def download(request: HttpRequest, chunks: Iterator[bytes], filename: str) -> StreamingHttpResponse:
    """A CSV file for saving; ``chunks`` are made while it is read."""
    # Under ASGI, Django would first collect all that an ordinary iterator gives.
    body = as_they_come(chunks) if isinstance(request, ASGIRequest) else chunks
    response = StreamingHttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store"
    return response


async def as_they_come(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks for a server that waits for each of them, made one by one."""

    def following() -> bytes | None:
        return next(chunks, None)

    # All in the request's own thread: database connections belong to their thread.
    while (chunk := await sync_to_async(following, thread_sensitive=True)()) is not None:
        yield chunk


def pieces(path: Path) -> Iterator[bytes]:
    """A file, 64 KiB at a time."""
    with path.open("rb") as file:
        while piece := file.read(65_536):
            yield piece
