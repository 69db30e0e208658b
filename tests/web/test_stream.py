"""Downloads leave while they are being made."""

import threading
from collections.abc import Iterator
from pathlib import Path

from asgiref.sync import sync_to_async
from django.test import AsyncRequestFactory, RequestFactory

from clarion.web.stream import download, pieces


class Chunks:
    """Counts how many chunks were asked for."""

    def __init__(self) -> None:
        self.made = 0

    def __iter__(self) -> Iterator[bytes]:
        for number in range(1_000):
            self.made += 1
            yield b"%d," % number


async def test_under_asgi_each_chunk_is_made_when_it_is_wanted() -> None:
    chunks = Chunks()
    response = download(AsyncRequestFactory().get("/"), iter(chunks), "all.csv")
    assert response.is_async

    stream = response.__aiter__()
    first = [await anext(stream) for _ in range(3)]

    assert first == [b"0,", b"1,", b"2,"]
    assert chunks.made == 3


async def test_all_chunks_are_made_in_the_requests_own_thread() -> None:
    def names() -> Iterator[bytes]:
        for _ in range(3):
            yield b"%d" % threading.get_ident()

    response = download(AsyncRequestFactory().get("/"), names(), "all.csv")

    seen = {chunk async for chunk in response}
    assert seen == {b"%d" % await sync_to_async(threading.get_ident)()}


def test_under_wsgi_an_ordinary_iterator_does() -> None:
    response = download(RequestFactory().get("/"), iter([b"a", b"b"]), "all.csv")

    assert not response.is_async
    assert response.getvalue() == b"ab"
    assert response["Content-Disposition"] == 'attachment; filename="all.csv"'


def test_a_file_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"x" * 200_000)

    assert [len(piece) for piece in pieces(file)] == [65_536, 65_536, 65_536, 3_392]
