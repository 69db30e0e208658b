"""Forms are read back by the simulator's own reader and by the standard library's."""

from email import message_from_bytes
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.channels.multipart import form
from clarion.kit.parts import Media
from clarion_simulator.multipart import File, read

BOUNDARY = "clarion-form-boundary"


@given(
    value=st.text(max_size=200) | st.just(f"\r\n--{BOUNDARY}--\r\n"),
    data=st.binary(max_size=400) | st.just(f"--{BOUNDARY}\r\n".encode() * 3),
)
def test_whatever_is_in_it_comes_out_as_it_was(value: str, data: bytes) -> None:
    kind, body = form({"chat_id": "42", "caption": value}, "photo", Media("image", data=data))
    texts, files = read(kind.encode(), body)
    assert texts == {"chat_id": "42", "caption": value}
    assert files == {"photo": File("picture", "application/octet-stream", data)}


def test_the_standard_library_reads_it_too() -> None:
    media = Media("image", "", "änna.png", "image/png", b"\x89PNG\r\n\x1a\n")
    kind, body = form({"chat_id": "42"}, "photo", media)
    mail = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=HTTP)
    first, second = mail.iter_parts()
    assert first.get_content().strip() == "42"
    assert second.get_content_type() == "image/png"
    assert second.get_param("name", header="content-disposition") == "photo"


def test_a_file_that_holds_the_boundary_gets_another_one_the_same_each_time() -> None:
    evil = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n666\r\n'
    media = Media("file", data=evil.encode())
    kind, body = form({"chat_id": "42"}, "document", media)
    assert kind != form({"chat_id": "42"}, "document", Media("file", data=b"x"))[0]
    assert (kind, body) == form({"chat_id": "42"}, "document", media)
    texts, files = read(kind.encode(), body)
    assert texts == {"chat_id": "42"}
    assert files["document"].data == evil.encode()


@pytest.mark.parametrize(
    "name", ['a"; name="chat_id', "a\r\nX-Evil: 1", 'a\\".png', "a\x00b", "\ud800", "", "a;b"]
)
def test_no_name_of_a_file_breaks_out_of_its_header(name: str) -> None:
    kind, body = form({"chat_id": "42"}, "photo", Media("image", "", name, "image/png", b"x"))
    texts, files = read(kind.encode(), body)
    assert texts == {"chat_id": "42"}
    assert list(files) == ["photo"]
    assert files["photo"].content_type == "image/png"
    assert b"\r\nX-Evil" not in body
