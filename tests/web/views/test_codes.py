"""The pages of codes: pools, filling them, looking codes up, redeeming."""

import io

import pytest
from django.test import Client

from clarion.accounts.models import AuditEntry, Role
from clarion.broadcasts.models import Broadcast
from clarion.codes import batches, issuing, pools, redeeming
from clarion.codes.models import Code, CodeBatch, CodePool, Redemption
from clarion.contacts.models import Contact
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.engine.codes import attach
from clarion.engine.settle import settle
from clarion.kit import clock
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def spring() -> CodePool:
    pool = pools.create(pools.Rules(name="Spring", pattern="S-####-????"), by=factory.BY)
    batches.carry_out(batches.order_codes(pool, 5, by=factory.BY))
    return CodePool.objects.get()


@pytest.fixture
def annas(spring: CodePool) -> str:
    """A code that contact Anna has got."""
    anna = Contact.objects.create(name="Anna").pk
    return issuing.issue(spring.pk, 1, [(anna, 0)]).codes[anna, 0]


def file(text: str) -> io.BytesIO:
    upload = io.BytesIO(text.encode())
    upload.name = "codes.csv"
    return upload


def test_an_empty_page_leads_on(log_in: LogIn) -> None:
    assert "New code pool" in log_in(Role.MANAGER).get("/codes/").content.decode()
    assert "role manager can add one" in log_in(Role.VIEWER).get("/codes/").content.decode()


def test_l1_created_and_filled_by_pattern(log_in: LogIn) -> None:
    manager = log_in(Role.MANAGER)
    fields = {"name": "Spring", "pattern": "spring-####-????", "uses": "1", "low_at": "5"}
    created = manager.post("/codes/new/", fields)
    pool = CodePool.objects.get()
    assert created.headers["Location"] == f"/codes/{pool.pk}/"
    assert "Few free codes are left" in manager.get(f"/codes/{pool.pk}/").content.decode()
    manager.post(f"/codes/{pool.pk}/fill", {"count": "30"})
    page = manager.get(f"/codes/{pool.pk}/").content.decode()
    assert "30 of 30 codes generated" in page
    assert Code.objects.filter(pool=pool).count() == 30


def test_many_codes_are_left_to_a_worker(
    admin: Client, spring: CodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "AT_ONCE", 10)
    admin.post(f"/codes/{spring.pk}/fill", {"count": "11"})
    assert CodeBatch.objects.get(wanted=11).state == "waiting"
    assert "No worker is running." in admin.get(f"/codes/{spring.pk}/live").content.decode()
    assert batches.run_next()
    assert Code.objects.count() == 16


def test_a_pattern_that_is_too_short_is_said_beside_the_form(admin: Client) -> None:
    pool = pools.create(pools.Rules(name="Short", pattern="S-##"), by=factory.BY)
    answer = admin.post(f"/codes/{pool.pk}/fill", {"count": "1000"})
    assert answer.status_code == 422
    assert "can make 64 different codes" in answer.content.decode()
    empty = admin.post(f"/codes/{pool.pk}/fill", {})
    assert "Enter how many codes" in empty.content.decode()


def test_l1_imported_from_a_file_with_its_rejects(admin: Client) -> None:
    pool = pools.create(pools.Rules(name="Partner"), by=factory.BY)
    admin.post(f"/codes/{pool.pk}/fill", {"file": file("code\nONE\nONE\nTWO\n")})
    assert batches.run_next()
    assert "2 added, 1 repeated, 0 rejected" in admin.get(f"/codes/{pool.pk}/").content.decode()
    batch = CodeBatch.objects.get()
    answer = admin.get(f"/codes/batches/{batch.pk}/rejects.csv")
    assert b"same code as line 2" in b"".join(answer.streaming_content)


def test_edited_archived_restored(admin: Client, spring: CodePool, annas: str) -> None:
    edit = f"/codes/{spring.pk}/edit/"
    assert 'value="S-####-????"' in admin.get(edit).content.decode()
    fields = {
        "name": "Sale",
        "pattern": "S-####-????",
        "uses": "",
        "valid_until": "2031-01-31T12:00",
    }
    admin.post(edit, fields)
    spring.refresh_from_db()
    assert (spring.name, spring.uses) == ("Sale", None)
    assert spring.valid_until is not None
    wrong = admin.post(edit, {**fields, "valid_from": "2032-01-01T00:00"}).content.decode()
    assert "Correct the dates" in wrong
    admin.post(f"/codes/{spring.pk}/do/archive")
    assert not admin.get("/codes/").context["rows"]
    assert "Sale" in admin.get("/codes/?archived=yes").content.decode()
    admin.post(f"/codes/{spring.pk}/do/restore")
    assert "Sale" in admin.get("/codes/").content.decode()
    assert admin.post(f"/codes/{spring.pk}/do/explode").status_code == 404


def test_deleting_asks_and_spares_what_contacts_have(
    admin: Client, spring: CodePool, annas: str
) -> None:
    asked = admin.get(f"/codes/{spring.pk}/delete/").content.decode()
    assert "This can&#x27;t be undone" in asked or "This can't be undone" in asked
    admin.post(f"/codes/{spring.pk}/delete/")
    assert CodePool.objects.exists()
    Code.objects.all().update(issued_at=None)
    admin.post(f"/codes/{spring.pk}/delete/")
    assert not CodePool.objects.exists()


def test_l3_looked_up_redeemed_once_and_undone(log_in: LogIn, annas: str) -> None:
    manager = log_in(Role.MANAGER)
    page = manager.get("/codes/code/", {"code": annas.lower()})
    assert "Anna" in page.content.decode()
    key = page.context["key"]
    for _ in range(2):  # a double click
        manager.post("/codes/redeem", {"code": annas, "key": key, "note": "till 3"})
    assert Redemption.objects.count() == 1
    page = manager.get("/codes/code/", {"code": annas})
    assert "can be used once, and has been" in page.content.decode()
    assert "till 3" in page.content.decode()
    manager.post(f"/codes/redemptions/{Redemption.objects.get().pk}/undo")
    assert "can be redeemed" in manager.get("/codes/code/", {"code": annas}).content.decode()
    assert "No such code" in manager.get("/codes/code/", {"code": "NOPE"}).content.decode()
    assert manager.get("/codes/code/").status_code == 200


def test_l3_the_holder_only(admin: Client, spring: CodePool, annas: str) -> None:
    CodePool.objects.update(holder_only=True)
    page = admin.get("/codes/code/", {"code": annas}).content.decode()
    assert "Only the contact above" in page
    admin.post("/codes/redeem", {"code": annas, "key": "k"})
    assert not Redemption.objects.exists()
    anna = Contact.objects.get()
    admin.post("/codes/redeem", {"code": annas, "key": "k", "contact": str(anna.pk)})
    assert Redemption.objects.get().contact == anna


def test_a_file_is_redeemed_and_says_what_was_refused(
    admin: Client, annas: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "/codes/redeem-file/"
    assert "Choose a file." in admin.post(url, {}).content.decode()
    page = admin.post(url, {"file": file(f"code\n{annas}\nNOPE\n")}).content.decode()
    assert "1 redeemed, 0 redeemed before from the same file, 1 refused." in page
    assert "There is no such code" in page
    monkeypatch.setattr("clarion.web.views.code_redeeming.MOST_LINES", 1)
    page = admin.post(url, {"file": file("code\nA\nB\n")}).content.decode()
    assert "clarion codes redeem-file" in page


def test_exported_with_its_holders_and_audited(admin: Client, spring: CodePool, annas: str) -> None:
    lines = b"".join(admin.get(f"/codes/{spring.pk}/codes.csv").streaming_content).decode()
    assert lines.splitlines()[0] == "code,contact,contact_name,issued_at,redeemed"
    (held,) = [line for line in lines.splitlines() if annas in line]
    assert '"Anna"' in held
    assert len(lines.splitlines()) == 6
    assert AuditEntry.objects.filter(action="data.export", subject="codes").exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SENDER])
def test_only_managers_change_pools(log_in: LogIn, spring: CodePool, role: str) -> None:
    client = log_in(role)
    for path in ("/codes/new/", f"/codes/{spring.pk}/edit/", f"/codes/{spring.pk}/delete/"):
        assert client.get(path).status_code == 403
    for path in (f"/codes/{spring.pk}/fill", f"/codes/{spring.pk}/do/archive"):
        assert client.post(path, {"count": "5"}).status_code == 403
    redeemed = client.post("/codes/redeem", {"code": "X"}).status_code
    assert redeemed == (403 if role == Role.VIEWER else 302)


def test_j4_a_broadcast_shows_its_codes(admin: Client, spring: CodePool) -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel], text="Yours: {{ code }}", code_pool=spring)
    claimed = attach(claim(channel.pk, reap.register(), 10)).messages
    redeeming.redeem(str(claimed[0].code), by=factory.BY)

    page = words(admin.get(f"/broadcasts/{broadcast.pk}/details").content.decode())

    assert "Codes Spring Issued 2 Redeemed 1 50.0 %" in page


def test_l2_a_restart_sends_who_was_not_reached_the_same_code(
    admin: Client, spring: CodePool
) -> None:
    channel = factory.channel()
    person = factory.people(channel, 1)[0]
    broadcast = factory.sending([channel], text="Yours: {{ code }}", code_pool=spring)
    worker = reap.register()
    [first] = attach(claim(channel.pk, worker, 10)).messages
    settle(worker, [factory.outcome(first, channel, "failed")])
    lifecycle.finish()

    admin.post(f"/broadcasts/{broadcast.pk}/restart")

    fresh = Broadcast.objects.get(restart_of=broadcast)
    Broadcast.objects.filter(pk=fresh.pk).update(scheduled_at=clock.now())
    lifecycle.start_due()
    factory.expand(fresh)
    [again] = attach(claim(channel.pk, worker, 10)).messages
    assert (again.address, again.code) == (person.pk, first.code)
    page = words(admin.get(f"/broadcasts/{fresh.pk}/details").content.decode())
    assert "Codes Spring Issued 1 " in page


def test_k1_the_dashboard_shows_what_became_of_each_broadcast(
    admin: Client, spring: CodePool
) -> None:
    channels = [factory.channel("Shop"), factory.channel("App")]
    for channel in channels:
        factory.people(channel, 2)
    broadcast = factory.sending(channels, title="May", text="{{ code }}", code_pool=spring)
    claimed = attach(claim(channels[0].pk, reap.register(), 10)).messages
    redeeming.redeem(str(claimed[0].code), by=factory.BY)
    factory.settle_each(channels[1], ["sent", "failed"])

    page = admin.get("/")

    (row,) = [row for row in page.context["rows"] if row["id"] == broadcast.pk]
    assert (row["state"], sorted(row["channels"])) == ("sending", ["App", "Shop"])
    assert (row["completed"], row["failed"], row["total"]) == (1, 1, 4)
    text = words(page.content.decode())
    assert "May" in text
    assert "Sending" in text
    assert "1 of 4" in text
    assert "1 of 2" in text  # codes: redeemed of issued
    assert "50.0 %" in text
