"""Attachments on the page of a draft."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from clarion.broadcasts.models import Broadcast
from clarion.content import media
from support import factory
from web.conftest import LogIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(log_in: LogIn) -> Client:
    return log_in("sender")


def attach(page: Client, **fields: Any) -> str:
    answer = page.post(reverse("compose_attach"), {"title": "Spring", "page": "p1", **fields})
    assert answer.status_code == 200
    return answer.content.decode()


def test_files_are_attached_listed_kept_and_removed(page: Client) -> None:
    channel = factory.channel("Mail", "email")
    form = {"channels": channel.pk, "text": "Hi"}
    menu = SimpleUploadedFile("menu <1>.pdf", b"%PDF", "application/pdf")
    shown = attach(page, **form, attachment_file=[menu, SimpleUploadedFile("b.txt", b"b")])
    assert "menu _1_.pdf" in shown
    assert 'class="phone-files' in shown
    draft = Broadcast.objects.get()
    tokens = draft.mail["attachments"]
    assert [media.find(token).name for token in tokens] == ["menu _1_.pdf", "b.txt"]

    edited = page.get(reverse("broadcast_edit", args=[draft.pk])).content.decode()
    assert all(f'value="{token}"' in edited for token in tokens)

    known = {"draft": draft.pk, "revision": draft.revision, "attachments": tokens}
    attach(page, **form, **known, detach=tokens[0])
    draft.refresh_from_db()
    assert draft.mail["attachments"] == tokens[1:]


def test_what_can_not_be_attached_is_said_and_the_rest_is_kept(page: Client) -> None:
    files = [SimpleUploadedFile("empty.txt", b""), SimpleUploadedFile("full.txt", b"x")]
    shown = attach(page, attachment_file=files)
    assert "empty.txt: The file is empty. Choose another one." in shown
    assert len(Broadcast.objects.get().mail["attachments"]) == 1


def test_an_upload_that_is_gone_does_not_keep_the_page_from_saving(page: Client) -> None:
    attach(page, attachments=["abcdefghijklmnop"], images="inline")
    assert Broadcast.objects.get().mail == {"images": "inline"}


def test_a_viewer_attaches_nothing(log_in: LogIn) -> None:
    assert log_in("viewer").post(reverse("compose_attach")).status_code == 403
