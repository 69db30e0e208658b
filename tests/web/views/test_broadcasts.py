"""Broadcasts: sections, one of them, control."""

import pytest
from django.test import Client
from django.utils import timezone

from clarion.broadcasts import launch
from clarion.broadcasts.models import Broadcast
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.engine.settle import Settlement, settle
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)


def settle_all(broadcast: Broadcast, state: str = "sent", reason: str = "", code: str = "") -> None:
    """Claim everybody and settle them into a state."""
    channel = broadcast.channels.get()
    worker = reap.register()
    settle(
        worker,
        [
            Settlement(
                c.delivery, c.broadcast, channel.pk, c.address, state, 1, clock.now_us(),
                reason=reason, code=code, attempted=True, content="Hello",
            )
            for c in claim(channel.pk, worker, 1_000).messages
        ],
    )  # fmt: skip


def test_an_empty_list_leads_on(admin: Client) -> None:
    html = admin.get("/").content.decode()

    assert "No broadcast yet" in html
    assert 'href="/broadcasts/new/"' in html
    assert "A channel comes first" in admin.get("/broadcasts/new/").content.decode()


def test_sections_and_their_sizes(admin: Client, sending: Broadcast) -> None:
    factory.draft([], title="Later")

    active = admin.get("/")
    drafts = admin.get("/?section=drafts")

    assert [tab["size"] for tab in active.context["tabs"]] == [1, 0, 0, 1]
    assert [row["name"] for row in active.context["rows"]] == ["Spring"]
    assert [row["name"] for row in drafts.context["rows"]] == ["Later"]


def test_the_first_section_that_has_something_is_shown(admin: Client) -> None:
    factory.draft([], title="Later")

    assert admin.get("/").context["section"] == "drafts"


def test_search(admin: Client, sending: Broadcast) -> None:
    assert len(admin.get(f"/?q={sending.pk}").context["rows"]) == 1
    assert len(admin.get("/?q=spri").context["rows"]) == 1
    assert "Nothing found here" in admin.get("/?q=zzz").content.decode()


@pytest.mark.parametrize("query", ["section=x", "after=x", "after=" + "9" * 30, "q=%00"])
def test_damaged_addresses_show_something(admin: Client, sending: Broadcast, query: str) -> None:
    assert admin.get(f"/?{query}").status_code == 200


def test_the_page_of_a_broadcast(admin: Client, sending: Broadcast) -> None:
    settle_all(sending, "failed", "The receiver answered 500 (server error).", "500")

    page = admin.get(f"/broadcasts/{sending.pk}/").content.decode()
    details = admin.get(f"/broadcasts/{sending.pk}/details").content.decode()

    assert "0</strong>" in page
    assert "of 3 completed" in page
    assert "Everyone on its channels" in page
    assert "The receiver answered 500 (server error)." in details
    assert f"?broadcast={sending.pk}&amp;error=The%20receiver%20answered%20500" in details


def test_reconcile_shows_the_equation(admin: Client, sending: Broadcast) -> None:
    settle_all(sending)

    html = admin.get(f"/broadcasts/{sending.pk}/reconcile").content.decode()

    assert "Everyone is accounted for" in html
    assert "expected 3 = sent 3 + failed 0" in html


def test_pause_resume_stop(admin: Client, sending: Broadcast) -> None:
    def act(name: str) -> str:
        response = admin.post(f"/broadcasts/{sending.pk}/do/{name}")
        assert response["Location"] == f"/broadcasts/{sending.pk}/"
        sending.refresh_from_db()
        return str(sending.state)

    assert act("pause") == "paused"
    assert act("resume") == "sending"
    assert act("stop") == "stopped"


def test_what_the_state_does_not_allow_is_explained(admin: Client, sending: Broadcast) -> None:
    response = admin.post(f"/broadcasts/{sending.pk}/do/delete", follow=True)

    assert "Only a broadcast that has not been sent can be deleted." in response.content.decode()
    assert Broadcast.objects.filter(pk=sending.pk).exists()


def test_acts_that_are_none(admin: Client, sending: Broadcast) -> None:
    assert admin.post(f"/broadcasts/{sending.pk}/do/explode").status_code == 404
    assert admin.get(f"/broadcasts/{sending.pk}/do/stop").status_code == 405
    assert admin.post("/broadcasts/999/do/stop").status_code == 404


def test_c1_undo_makes_it_a_draft_to_edit(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = launch.send(factory.draft([channel]), by="test", undo_seconds=60)
    page = admin.get(f"/broadcasts/{broadcast.pk}/").content.decode()
    assert "data-until=" in page
    assert "do-undo" in page

    response = admin.post(f"/broadcasts/{broadcast.pk}/do/undo")

    broadcast.refresh_from_db()
    assert broadcast.state == "draft"
    assert response["Location"] == f"/broadcasts/{broadcast.pk}/edit/"


def test_no_engine_is_said(admin: Client, sending: Broadcast) -> None:
    assert b"No engine is running" in admin.get(f"/broadcasts/{sending.pk}/").content
    reap.register()
    assert b"No engine is running" not in admin.get(f"/broadcasts/{sending.pk}/live").content


def test_f3_restart(admin: Client, sending: Broadcast) -> None:
    settle_all(sending, "failed", "No.", "x")
    Broadcast.objects.filter(pk=sending.pk).update(state="completed", finished_at=timezone.now())
    assert b"do-restart" in admin.get(f"/broadcasts/{sending.pk}/").content

    response = admin.post(f"/broadcasts/{sending.pk}/restart")

    fresh = Broadcast.objects.get(restart_of=sending)
    assert response["Location"] == f"/broadcasts/{fresh.pk}/"
    assert fresh.picks.count() == 3


def test_a_restart_without_anybody_left_is_explained(admin: Client, sending: Broadcast) -> None:
    settle_all(sending)
    Broadcast.objects.filter(pk=sending.pk).update(state="completed")

    response = admin.post(f"/broadcasts/{sending.pk}/restart", follow=True)

    assert "Nobody is left to send to" in response.content.decode()


def test_recipients_by_state_and_export(admin: Client, sending: Broadcast) -> None:
    everyone = admin.get(f"/broadcasts/{sending.pk}/recipients/")
    failed = admin.get(f"/broadcasts/{sending.pk}/recipients/?state=failed").content.decode()
    export = admin.get(f"/broadcasts/{sending.pk}/recipients.csv?state=queued")

    assert len(everyone.context["page"].rows) == 3
    assert "Nobody is in this state" in failed
    assert len(export.getvalue().splitlines()) == 4
    damaged = admin.get(f"/broadcasts/{sending.pk}/recipients/?cursor=x")
    assert damaged["Location"] == f"/broadcasts/{sending.pk}/recipients/"


def test_delete_a_draft(admin: Client) -> None:
    broadcast = factory.draft([])

    response = admin.post(f"/broadcasts/{broadcast.pk}/do/delete", follow=True)

    assert "“Spring” is deleted." in response.content.decode()
    assert not Broadcast.objects.exists()
