"""The page of opt-out words."""

import pytest
from django.test import Client

from clarion.accounts.models import Role
from clarion.channels import own_keywords
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
URL = "/channels/keywords/"


def test_a_manager_writes_own_words(log_in: LogIn) -> None:
    manager = log_in(Role.MANAGER)
    page = manager.get(URL).content.decode()
    assert "unsubscribe me" in page
    assert "退订" in page
    assert f'href="{URL}"' in manager.get("/channels/").content.decode()

    words = {"opt_out": "Nie wieder\r\n\r\n  genug \r\n", "opt_in": "wieder da"}
    assert manager.post(URL, words).headers["Location"] == URL
    assert own_keywords.own_words() == {
        "nie wieder": "opted_out", "genug": "opted_out", "wieder da": "active",
    }  # fmt: skip
    assert "genug\nNie wieder</textarea>" in manager.get(URL).content.decode()

    refused = manager.post(URL, {"opt_out": "start", "opt_in": ""})
    assert "“start” opts contacts in already." in refused.content.decode()
    assert len(own_keywords.listed()) == 3


def test_languages_without_a_published_list_are_marked(admin: Client) -> None:
    page = words(admin.get(URL).content.decode())
    assert "German *" in page
    assert "English *" not in page
    assert "French *" not in page
    assert "* No published list was found for this language." in page


def test_others_do_not_see_it(log_in: LogIn) -> None:
    sender = log_in(Role.SENDER)
    assert sender.get(URL).status_code == 403
    assert f'href="{URL}"' not in sender.get("/channels/").content.decode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Stop please 🛑", "opts the contact out"),
        ("nie wieder", "opts the contact out"),
        ("START", "opts the contact in again"),
        ("don't stop <b>", "changes nothing"),
    ],
)
def test_a_message_can_be_tried(admin: Client, text: str, says: str) -> None:
    admin.post("/channels/keywords/", {"opt_out": "Nie wieder!", "opt_in": ""})
    html = admin.get("/channels/keywords/", {"message": text}).content.decode()
    assert says in html
    assert "<b>" not in html
