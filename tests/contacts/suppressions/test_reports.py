"""Hard bounces and complaints of providers, on the suppression list once, in any order."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from clarion.channels.contract import AddressReport, Event, HookRequest
from clarion.channels.models import Channel
from clarion.channels.registry import kinds_sharing_ids
from clarion.channels.webhook.kind import WebhookKind
from clarion.consents import grants
from clarion.consents import manage as consents
from clarion.consents.models import Change
from clarion.contacts import addresses, deleting
from clarion.contacts.models import Address, Contact, Suppression
from clarion.contacts.models import AddressReport as Kept
from clarion.contacts.suppressions import entries, reports
from clarion.contacts.suppressions.files import import_entries
from clarion.contacts.suppressions.listing import Wanted, export_csv, suppression_list
from clarion.engine import callbacks, inbox
from clarion.engine.callbacks import Verified
from clarion.insights.timeline import timeline
from clarion.kit import clock
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
AT = clock.now() - timedelta(hours=1)
COMPLAINT = AddressReport("u0", "complaint", AT, "SpamComplaint", "abc-17")
BOUNCE = AddressReport("u0", "hard_bounce", AT - timedelta(hours=1), "550 5.1.1 No such user")


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the worker apply a callback that reports these events."""

    def report(channel: Channel, *events: Event) -> None:
        def read(self: WebhookKind, hook: HookRequest) -> Iterable[Event]:
            return events

        monkeypatch.setattr(WebhookKind, "events", read)
        hook = HookRequest({}, "", b"{}", clock.now())
        callbacks.store([Verified(channel.pk, hook, callbacks.Callback.Lane.PEOPLE)])
        assert inbox.apply_waiting() == 1
        assert not callbacks.Callback.objects.exists()

    return report


def entry() -> tuple[str, str, str]:
    row = Suppression.objects.get()
    return row.value, row.reason, row.source


def test_who_complains_opts_out_is_suppressed_and_withdraws_consents(reported: Any) -> None:
    channel = factory.channel(name="News")
    address = factory.people(channel, 1)[0]
    consent = consents.define(name="Newsletter", by=factory.BY)
    grants.give(consent, [address.contact_id], how="form", by=factory.BY, at=BOUNCE.at)
    broadcast = factory.sending([channel])

    reported(channel, COMPLAINT)

    address.refresh_from_db()
    assert (address.state, address.state_at, address.effective_state) == (
        "opted_out", AT, "suppressed",
    )  # fmt: skip
    row = Suppression.objects.get()
    assert (row.value, row.reason, row.source) == ("u0", "complained", "provider")
    assert row.created_at == AT
    assert row.note == "Reported on channel “News”: SpamComplaint (message abc-17)"
    assert Delivery.objects.get(broadcast=broadcast).state == "skipped"
    withdrawal = Change.objects.get(given=False)
    assert (withdrawal.how, withdrawal.detail, withdrawal.at) == ("complaint", "SpamComplaint", AT)
    titles = [line.title for line in timeline(Contact.objects.get()).rows]
    assert {"Spam complaint", "Consent withdrawn", "Opted out"} <= set(titles)


def test_a_hard_bounce_marks_the_address_and_suppresses_it(reported: Any) -> None:
    channel = factory.channel()
    address = factory.people(channel, 1)[0]
    consent = consents.define(name="Newsletter", by=factory.BY)
    grants.give(consent, [address.contact_id], how="form", by=factory.BY)

    reported(channel, BOUNCE)

    address.refresh_from_db()
    assert (address.state, address.effective_state) == ("unreachable", "suppressed")
    assert entry() == ("u0", "bounced", "provider")
    assert not Change.objects.filter(given=False).exists()
    listed = suppression_list(Wanted(reason="bounced")).rows
    assert [row.source_label for row in listed] == ["The provider"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_reports_does_not_matter(order: tuple[int, ...], reported: Any) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    told = [BOUNCE, COMPLAINT, BOUNCE]
    for index in order:
        reported(channel, told[index])
    assert entry() == ("u0", "complained", "provider")
    assert Address.objects.get().state == "opted_out"
    assert Kept.objects.count() == 2


def test_a_report_that_comes_again_after_it_was_undone_changes_nothing(reported: Any) -> None:
    channel = factory.channel()
    address = factory.people(channel, 1)[0]
    reported(channel, COMPLAINT)
    entries.remove(Suppression.objects.all(), by=factory.BY)
    addresses.mark(address.pk, "active", clock.now(), by=factory.BY)

    reported(channel, COMPLAINT)

    address.refresh_from_db()
    assert address.effective_state == "active"
    assert not Suppression.objects.exists()
    reported(channel, AddressReport("u0", "complaint", clock.now()))  # another one does
    address.refresh_from_db()
    assert address.effective_state == "suppressed"


def test_a_crash_after_a_hard_bounce_was_removed_leaves_no_address_unreachable(
    reported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = factory.channel()
    address = factory.address(channel, "u0")
    reported(channel, BOUNCE)

    def killed() -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(entries, "release_removed", killed)
        with pytest.raises(KeyboardInterrupt):
            entries.remove(Suppression.objects.all(), reachable=True, by=factory.BY)
    address.refresh_from_db()
    assert address.state == "active"


def test_an_entry_of_an_agent_stays_as_it_is(reported: Any) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    entries.add("u0", kind="webhook", reason="blocked", note="Ours", by=factory.BY)
    reported(channel, COMPLAINT)
    assert entry() == ("u0", "blocked", "agent")
    assert Suppression.objects.get().note == "Ours"


def test_somebody_unknown_is_suppressed_before_they_are_added(reported: Any) -> None:
    channel = factory.channel()
    reported(channel, BOUNCE)
    address = addresses.find_or_add(channel, "u0", name="Anna", language="")
    assert address.effective_state == "suppressed"


def test_all_kinds_of_e_mail_are_one(reported: Any) -> None:
    assert kinds_sharing_ids("webhook") == ["webhook"]
    shared = kinds_sharing_ids("email")
    assert "email" in shared
    mail = factory.channel(kind="email", name="Mail")
    reports.note(mail, AddressReport("anna@example.org", "hard_bounce", AT))
    assert reports.list_pending() == 1
    assert sorted(Suppression.objects.values_list("kind", flat=True)) == shared

    assert entries.remove(Suppression.objects.filter(kind="email"), by=factory.BY) == 1
    assert not Suppression.objects.exists()


def test_what_a_crash_left_is_listed_by_the_next_round() -> None:
    channel = factory.channel()
    with transaction.atomic():
        reports.note(channel, BOUNCE)
    assert not Suppression.objects.exists()
    assert reports.list_pending() == 1
    assert reports.list_pending() == 0
    assert entry() == ("u0", "bounced", "provider")


def test_the_proof_is_deleted_with_the_contact_and_the_entry_stays(reported: Any) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    reported(channel, COMPLAINT)
    deleting.delete_contact(Contact.objects.get(), suppress=False, by=factory.BY)
    assert not Kept.objects.exists()
    assert entry()[1] == "complained"


def test_an_address_is_listed_once_and_a_complaint_is_its_reason() -> None:
    """On every list: for all kinds with the same user ids, beside the state of the address."""
    mail = factory.channel("Mail", "email")
    other = factory.channel("Other", "postmark", sender="us@example.org", token="t" * 36)
    for channel in (mail, other):
        factory.address(channel, "ada@example.com")
    reports.note(mail, AddressReport("ada@example.com", "complaint", AT))
    assert reports.list_pending() == 1

    def rows(**wanted: str) -> list[tuple[str, str, str, str]]:
        listed = suppression_list(Wanted(**wanted)).rows
        return [(row.pattern, row.reason, row.source, row.channel) for row in listed]

    assert rows() == [("ada@example.com", "complained", "provider", "")]
    assert rows(reason="complained") == rows()
    assert rows(reason="opted_out") == []
    assert rows(kind="postmark") == rows()
    (row,) = suppression_list(Wanted()).rows
    assert {"email", "postmark", "mailgun", "ses"} <= set(row.kinds)
    assert row.stops == 2
    _header, *lines = b"".join(export_csv(Wanted(), "UTC")).decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f'"ada@example.com","{", ".join(row.kinds)}","complained"')

    entries.remove(Suppression.objects.filter(kind="email"), by=factory.BY)

    assert rows() == [("ada@example.com", "complained", "provider", "Mail")]
    assert rows(reason="complained") == rows()
    assert rows(reason="opted_out") == []
    addresses.mark(Address.objects.get(channel=other).pk, "opted_out", clock.now())
    assert rows(reason="opted_out") == [("ada@example.com", "opted_out", "contact", "Other")]


def test_an_exported_report_is_imported_for_all_its_kinds(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text('address,kind,reason\nada@example.com,"email, postmark",complained\n')
    assert import_entries(file, by=factory.BY).added == 2
    stored = Suppression.objects.order_by("kind").values_list("kind", "reason")
    assert list(stored) == [("email", "complained"), ("postmark", "complained")]


def test_an_address_is_listed_under_each_reason_that_its_entries_have() -> None:
    channel = factory.channel("Post", "email")
    kinds = sorted(kinds_sharing_ids(channel.kind))
    assert len(kinds) > 1
    Kept.objects.create(channel=channel, value="ann@example.com", cause="hard_bounce", at=AT)
    assert reports.list_pending() == 1
    newest = Suppression.objects.order_by("-pk")[0]
    entries.add("ann@example.com", kind=newest.kind, reason="opted_out", by=factory.BY)

    for reason in ("bounced", "opted_out"):
        assert [row.reason for row in suppression_list(Wanted(reason=reason)).rows] == [reason]
    rows = suppression_list(Wanted()).rows
    assert sorted(row.reason for row in rows) == ["bounced", "opted_out"]
    assert sorted(kind for row in rows for kind in row.all_kinds) == kinds


def test_what_an_agent_has_listed_stays_when_a_report_of_it_is_removed() -> None:
    channel = factory.channel("Post", "email")
    Kept.objects.create(channel=channel, value="ann@example.com", cause="hard_bounce", at=AT)
    assert reports.list_pending() == 1
    by_agent, other = Suppression.objects.order_by("-pk")[:2]
    entries.add("ann@example.com", kind=by_agent.kind, reason="opted_out", by=factory.BY)

    entries.remove([other], by=factory.BY)

    assert [row.pk for row in Suppression.objects.filter(removed_at=None)] == [by_agent.pk]
    by_agent.refresh_from_db()
    assert (by_agent.source, by_agent.reason) == ("agent", "opted_out")
