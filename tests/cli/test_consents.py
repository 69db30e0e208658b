"""``clarion consents``: defined, given and withdrawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from clarion.consents.models import Change, Grant
from clarion.contacts.models import Address, Contact
from support import factory

pytestmark = pytest.mark.django_db


def test_m1_defined_given_and_withdrawn(
    people: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    assert "There are no consents yet." in ok("consents", "list")
    ok("consents", "add", "News", "--category", "Marketing", "--text", "I want news.")
    ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    said = ok("consents", "give", "News", "--tag", "all-three", "--how", "form", "--at",
              "2020-05-01T09:30")  # fmt: skip
    assert said.strip() == "3 contacts have newly given “News”."
    gone = ok_json("consents", "withdraw", "News", "--contact", str(ids[0]), "--how", "keyword")
    assert gone == {"name": "News", "changed": 1}
    [listed] = ok_json("consents", "list")
    assert listed == {
        "id": listed["id"], "name": "News", "category": "Marketing", "text": "I want news.",
        "given": 2, "withdrawn": 1, "confirm_channel": "",
    }  # fmt: skip
    first = Change.objects.order_by("pk")[0]
    assert (first.how, f"{first.at:%Y-%m-%d %H:%M}") == ("form", "2020-05-01 09:30")
    assert Change.objects.get(given=False).contact_id == ids[0]
    shown = ok("consents", "list")
    assert shown.splitlines()[0].split() == ["NAME", "CATEGORY", "GIVEN", "WITHDRAWN"]


def test_to_all_and_to_a_file_of_ids(
    people: str, clarion: Callable[..., Any], ok_json: Callable[..., Any], tmp_path: Path
) -> None:
    ok_json("consents", "add", "News")
    assert ok_json("consents", "give", "News", "--all")["changed"] == 3
    path = tmp_path / "gone.csv"
    path.write_text("id\n2\n77\n")
    result = clarion("consents", "withdraw", "News", "--ids", str(path), "--channel", people,
                     "--how", "import")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "line 3: not known on news" in result.stderr
    gone = Grant.objects.get(given=False).contact_id
    assert Address.objects.get(value="2").contact_id == gone


def test_the_proof_is_shown_and_exported(
    people: str, ok: Callable[..., str], ok_json: Callable[..., Any], tmp_path: Path
) -> None:
    ok("consents", "add", "News", "--text", "I want news.")
    contact = Contact.objects.order_by("pk")[0]
    assert "nothing yet" in ok("consents", "show", f"#{contact.pk}")
    ok("consents", "give", "News", "--contact", str(contact.pk), "--how", "form",
       "--note", "shop.example/form")  # fmt: skip
    ok("consents", "withdraw", "News", "--contact", str(contact.pk))
    withdrawn, given = ok_json("consents", "show", f"#{contact.pk}")
    assert (given["consent"], given["given"], given["how"], given["detail"]) == (
        "News", True, "form", "shop.example/form",
    )  # fmt: skip
    assert (given["version"], given["text"], withdrawn["given"]) == (1, "I want news.", False)
    shown = ok("consents", "show", f"#{contact.pk}")
    assert "Version 1: I want news." in shown
    assert "A form, shop.example/form" in shown
    path = tmp_path / "proof.csv"
    ok("consents", "export", str(path), "--consent", "News", "--contact", f"#{contact.pk}")
    header, first, second = path.read_text().splitlines()
    assert header.startswith("at,consent,contact,name,change,how,by,version,text,detail")
    assert f'"News",{contact.pk},' in first
    assert ',given,form,,1,"I want news.","shop.example/form",,' in first
    assert ",withdrawn,agent," in second


def test_a_consent_that_has_to_be_confirmed(
    people: str,
    clarion: Callable[..., Any],
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    settings: Settings,
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    ok("consents", "add", "News", "--text", "Old.")
    edited = ok_json("consents", "edit", "News", "--text", "New.", "--confirm-channel", people)
    assert (edited["text"], edited["confirm_channel"]) == ("New.", people)
    said = ok("consents", "give", "News", "--all", "--how", "import")
    assert said.strip() == "3 contacts will be asked to confirm “News”."
    assert not Grant.objects.exists()
    assert ok_json("consents", "give", "News", "--all", "--confirmed")["changed"] == 3
    assert Grant.objects.filter(given=True).count() == 3
    assert ok_json("consents", "edit", "News", "--confirm-channel", "none")["confirm_channel"] == ""
    wrong = clarion("consents", "add", "B", "--confirm-text", "x")
    assert "Use it with --confirm-channel only." in wrong.stderr


def test_withdrawing_skips_what_is_queued(
    people: str, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    ok("consents", "add", "News")
    ok("consents", "give", "News", "--all")
    sent = ok_json("send", "--channel", people, "--all", "--consent", "News", "--text", "Hi",
                   "--undo", "0")  # fmt: skip
    from clarion.broadcasts.models import Broadcast
    from clarion.engine import lifecycle

    lifecycle.start_due()
    broadcast = Broadcast.objects.get(pk=sent["id"])
    factory.expand(broadcast)
    ok("consents", "withdraw", "News", "--all", "--how", "form")
    assert factory.states(broadcast) == {"skipped": 3}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Use one of --contact, --tag, --all, --ids."),
        (("--all", "--tag", "x"), "--tag and --all can't be combined. Use one of them."),
        (("--ids", "x.csv"), "Name the channel with --channel."),
        (("--all", "--channel", "news"), "Use it with --ids only."),
        (("--all", "--id-column", "x"), "Use it with --ids only."),
        (("--all", "--at", "soon"), "“soon” is not a date and time."),
        (("--all", "--how", "rumour"), "'rumour' is not one of 'agent', 'import', "),
    ],
)
def test_wrong_usage(
    people: str, ok: Callable[..., str], misused: Callable[..., str], arguments: tuple, said: str
) -> None:
    ok("consents", "add", "News")
    assert said in misused("consents", "give", "News", *arguments)
    assert not Change.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("give", "SMS", "--all"), "There is no consent called “SMS”. Choose one of: News."),
        (("give", "News", "--tag", "none"), "There is no tag called “none”."),
        (("give", "News", "--contact", "999999"), "There is no contact with the number 999999."),
        (("give", "News", "--all", "--at", "2999-01-01T00:00"), "That time is in the future."),
        (("add", "News"), "There is already a consent called “News”."),
    ],
)
def test_what_does_not_exist_is_said(
    people: str, ok: Callable[..., str], refused: Callable[..., str], arguments: tuple, said: str
) -> None:
    ok("consents", "add", "News")
    assert said in refused("consents", *arguments)
    assert not Change.objects.exists()
