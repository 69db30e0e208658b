"""Uploads: sizes, types by their bytes, names, and where they are given out."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from clarion.content import media
from clarion.content.errors import ContentError, UnreadableUploadError
from clarion.content.models import Story, StoryVersion, Upload
from clarion.kit import clock

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89arest", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_images_are_told_by_their_bytes(data: bytes, kind: str) -> None:
    row = media.save_upload("wrong.txt", "text/plain", [data[:3], data[3:]], image=True)
    assert (row.content_type, row.size) == (kind, len(data))
    assert media.is_image(row)


@pytest.mark.parametrize(
    "data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"RIFF\x10\x00\x00\x00WAVE", b"BM1234"]
)
def test_what_is_no_image_is_refused_as_one_and_kept_as_a_file(data: bytes) -> None:
    with pytest.raises(ContentError, match="no PNG, JPEG, GIF or WebP image"):
        media.save_upload("cat.png", "image/png", [data], image=True)
    assert not Upload.objects.exists()
    row = media.save_upload("cat.png", "image/png", [data])
    assert row.content_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "declared", "kept"),
    [
        ("menu.pdf", "application/pdf", "application/pdf"),
        ("menu.pdf", "", "application/pdf"),
        ("menu.pdf", "application/octet-stream", "application/pdf"),
        ("menu.pdf", "A/B\r\nX: y", "application/pdf"),
        ("notes.txt", "text/plain; charset=utf-8", "text/plain"),
        ("a.html", "text/html", "application/octet-stream"),
        ("a.html", "", "application/octet-stream"),
        ("a.svg", "image/svg+xml", "application/octet-stream"),
        ("a.js", "text/javascript", "application/octet-stream"),
        ("strange", "", "application/octet-stream"),
    ],
)
def test_types_of_files(name: str, declared: str, kept: str) -> None:
    assert media.save_upload(name, declared, [b"data"]).content_type == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\cat.png", "cat.png"),
        ('a"b\r\nc\x00.png', "a_b_c.png"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".jpeg", "x" * 95 + ".jpeg"),
        ("Ünal.png", "Ünal.png"),
    ],
)
def test_names(sent: str, kept: str) -> None:
    assert media.save_upload(sent, "", [b"data"]).name == kept


def test_ten_megabytes_are_allowed_and_no_byte_more() -> None:
    megabyte = b"x" * 1_048_576
    assert media.save_upload("a", "", [megabyte] * 10).size == 10_485_760
    with pytest.raises(ContentError, match="larger than 10 MB"):
        media.save_upload("b", "", [*[megabyte] * 10, b"x"])
    with pytest.raises(ContentError, match="is empty"):
        media.save_upload("c", "", [b""])
    assert Upload.objects.count() == 1


def test_the_same_file_is_kept_once() -> None:
    first = media.save_upload("cat.png", "", [PNG])
    assert media.save_upload("cat.png", "", [PNG]) == first
    assert media.save_upload("dog.png", "", [PNG]) != first
    media.path(first.token).unlink()
    again = media.save_upload("cat.png", "", [PNG])
    assert media.read(again) == PNG


def test_what_a_script_gets(settings: Settings) -> None:
    row = media.save_upload("a cat.png", "", [PNG])
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": ""})
    assert media.describe(row.token).url == ""
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example/"})
    held = media.hold(media.describe(row.token))
    assert held.url == f"https://c.example/media/{row.token}/a%20cat.png"
    assert (held.kind, held.content_type, held.data) == ("image", "image/png", PNG)


def test_what_a_check_gets_is_measured_and_not_read() -> None:
    row = media.save_upload("cat.png", "", [PNG])
    measured = media.measure(row.token)
    assert measured.data is None
    assert measured.size == len(PNG)
    assert measured == media.describe(row.token)
    media.path(row.token).unlink()
    with pytest.raises(ContentError, match=r"“cat.png” no longer exists"):
        media.measure(row.token)


def test_an_upload_that_is_gone() -> None:
    row = media.save_upload("cat.png", "", [PNG])
    media.path(row.token).unlink()
    with pytest.raises(ContentError, match=r"“cat\.png” no longer exists"):
        media.read(row)
    for token in ("x" * 14, "../../../etc", ""):
        with pytest.raises(ContentError, match="no such upload"):
            media.describe(token)
        with pytest.raises(ContentError, match="no such upload"):
            media.path("../" + token)


def test_a_file_that_can_not_be_read_now_is_no_fault_of_the_message() -> None:
    row = media.save_upload("cat.png", "", [PNG])
    described = media.describe(row.token)
    file = media.path(row.token)
    file.unlink()
    with pytest.raises(UnreadableUploadError, match=r"“cat\.png” can't be read .*No such file"):
        media.hold(described)
    file.mkdir()  # a folder can't be read, whoever the tests run as
    for attempt in (lambda: media.hold(described), lambda: media.read(row)):
        with pytest.raises(UnreadableUploadError, match=r"\(Is a directory\)\. Check the folder"):
            attempt()
    file.rmdir()
    file.write_bytes(PNG[:5])
    with pytest.raises(UnreadableUploadError, match=r"has 5 bytes on this machine instead of 28\."):
        media.hold(described)
    file.write_bytes(PNG)
    assert media.hold(described).data == PNG


def test_only_the_owner_reads_the_folder(data_dir: Path) -> None:
    row = media.save_upload("cat.png", "", [PNG])
    folder = media.path(row.token).parent
    assert folder.name == "media"
    assert folder.stat().st_mode & 0o077 == 0


def test_what_no_story_uses_is_deleted_after_a_week() -> None:
    used, unused, fresh = (
        media.save_upload(f"{name}.txt", "text/plain", [name.encode()])
        for name in ("used", "unused", "fresh")
    )
    block = {"kind": "file", "media": used.token, "name": "", "caption": ""}
    StoryVersion.objects.create(
        story=Story.objects.create(name="One"), number=1, blocks=[{"kind": "text"}, block]
    )
    assert media.delete_unused() == 0
    week = clock.now() - timedelta(days=7, minutes=1)
    Upload.objects.exclude(pk=fresh.pk).update(created_at=week)

    assert media.delete_unused() == 1

    assert set(Upload.objects.all()) == {used, fresh}
    assert not media.path(unused.token).exists()
    assert media.path(used.token).exists()


def test_what_is_uploaded_again_has_another_week() -> None:
    row = media.save_upload("a.txt", "text/plain", [b"a"])
    Upload.objects.update(created_at=clock.now() - timedelta(days=8))
    assert media.save_upload("a.txt", "text/plain", [b"a"]) == row
    assert media.delete_unused() == 0
