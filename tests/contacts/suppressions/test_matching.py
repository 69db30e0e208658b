"""Which addresses an entry of the suppression list stops, whenever either of them comes."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import singles
from clarion.broadcasts.audience import summary
from clarion.broadcasts.errors import SingleError
from clarion.broadcasts.query import Audience
from clarion.channels.contract import Inbound
from clarion.channels.mailing import ids
from clarion.channels.models import Channel
from clarion.chats.inbound import receive
from clarion.contacts import addresses, identities
from clarion.contacts.imports import import_contacts
from clarion.contacts.models import Address, Suppression
from clarion.contacts.states import AddressState
from clarion.contacts.suppressions import entries, matching
from clarion.contacts.suppressions.entries import Entry, SuppressionError, add, remove, store
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.kit import clock, db
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


@pytest.fixture
def mail() -> Channel:
    return factory.channel("mail", "email")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "CHUNK", 2)
    monkeypatch.setattr(matching, "SPAN", 2)


def suppressed() -> set[str]:
    rows = Address.objects.filter(suppression__isnull=False)
    return set(rows.values_list("value", flat=True))


def mails(channel: Channel, *values: str) -> list[Address]:
    return [factory.address(channel, value, "Ada") for value in values]


class TestPatterns:
    def test_ids_that_are_not_used_cost_nothing(
        self, mail: Channel, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        """Sequences don't go back: after a million deleted contacts there are gaps of a million."""
        [near] = mails(mail, "near@example.com")
        far = Address.objects.create(
            id=near.pk + 10_000, contact=near.contact, channel=mail, value="far@example.com"
        )
        with django_assert_max_num_queries(50):
            _, count = add("*@example.com", kind="email", reason="gone", by=BY)
        assert (count, suppressed()) == (2, {near.value, far.value})

    @pytest.mark.parametrize("pattern", ["*@xn--mnchen-3ya.de", "*@München.de", "*münchen.de"])
    def test_a_domain_in_either_of_its_forms(self, mail: Channel, pattern: str) -> None:
        read = ids.user_id
        mails(mail, read("ada@xn--mnchen-3ya.de"), read("bob@münchen.de"), "eve@munchen.de")
        _, count = add(pattern, kind="email", reason="gone", by=BY)
        assert (count, suppressed()) == (2, {"ada@münchen.de", "bob@münchen.de"})

    def test_an_address_in_every_channel_of_its_kind(self, mail: Channel) -> None:
        other, hook = factory.channel("two", "email"), factory.channel()
        for channel in (mail, other, hook):
            factory.address(channel, "ada@example.com")
        entry, count = add(" Ada@Example.com ", kind="email", reason="complained", by=BY)
        assert (entry.pattern, count) == ("ada@example.com", 2)
        assert not Address.objects.get(channel=hook).suppression_id
        assert Address.objects.filter(channel=mail)[0].effective_state == "suppressed"

    @pytest.mark.parametrize(
        ("kind", "pattern", "written", "fits"),
        [
            ("email", "*@EXAMPLE.com", "*@example.com", {"a@example.com", "b@example.com"}),
            ("email", "a@*", "a@*", {"a@example.com", "a@example.org"}),
            ("whatsapp", "+44 79*", "4479*", {"447911111111"}),
            ("telegram", "*42", "*42", {"100042"}),
        ],
    )
    def test_a_pattern(self, kind: str, pattern: str, written: str, fits: set[str]) -> None:
        settings = {"phone_number_id": "1", "token": "t"} if kind == "whatsapp" else {}
        channel = Channel.objects.create(name="c", kind=kind, config=settings)
        mails(channel, "a@example.com", "b@example.com", "a@example.org", "447911111111",
              "4915112345678", "100042", "43")  # fmt: skip
        entry, count = add(pattern, kind=kind, reason="blocked", by=BY)
        assert (entry.pattern, count, suppressed()) == (written, len(fits), fits)

    @pytest.mark.parametrize(
        ("pattern", "said"),
        [
            ("*", "Write one"), ("a*b", "Write one"), ("*a*", "Write one"), ("**", "Write one"),
            ("nobody", "can't be used"), ("", "can't be used"), ("x" * 400 + "*", "1 to 320"),
            ("*@", "a letter or digit"), ("+*", "a letter or digit"),
        ],
    )  # fmt: skip
    def test_what_is_no_pattern(self, pattern: str, said: str) -> None:
        with pytest.raises(SuppressionError, match=said):
            add(pattern, kind="email", reason="blocked", by=BY)
        with pytest.raises(SuppressionError, match="There is no reason “x”"):
            add("a@b.co", kind="email", reason="x", by=BY)
        assert not Suppression.objects.exists()

    def test_again_changes_reason_and_note(self, mail: Channel) -> None:
        mails(mail, "a@example.com")
        first, _ = add("a@example.com", kind="email", reason="gone", by=BY)
        again, count = add("a@example.com", kind="email", reason="blocked", note="n", by=BY)
        assert (again.pk, again.reason, again.note, count) == (first.pk, "blocked", "n", 1)


class TestLaterAddresses:
    """Whoever writes addresses compares them with the list."""

    def test_a_new_contact(self, mail: Channel) -> None:
        add("*@example.com", kind="email", reason="blocked", by=BY)
        first = addresses.find_or_add(mail, "a@example.com", name="A", language="")
        assert first.effective_state == AddressState.SUPPRESSED
        second = addresses.find_or_add(mail, "a@example.org", name="A", language="")
        assert second.effective_state == AddressState.ACTIVE

    def test_an_import(self, mail: Channel, tmp_path: Path) -> None:
        add("*@example.com", kind="email", reason="blocked", by=BY)
        add("b@example.org", kind="email", reason="blocked", by=BY)
        path = tmp_path / "people.csv"
        path.write_text("email\na@example.com\nb@example.org\nc@example.org\n")
        import_contacts(path, channel=mail, by=BY)
        assert suppressed() == {"a@example.com", "b@example.org"}

    def test_another_id_of_a_contact(self) -> None:
        channel = factory.channel()
        address = factory.address(channel, "old")
        add("phone*", kind="webhook", reason="blocked", by=BY)
        identities.join(channel, ["old", "phone-1"])
        assert Address.objects.get(pk=address.pk).suppression_id

    def test_an_entry_for_another_id(self) -> None:
        channel = factory.channel()
        address = factory.address(channel, "old")
        identities.join(channel, ["old", "phone-1"])
        add("phone-1", kind="webhook", reason="blocked", by=BY)
        assert Address.objects.get(pk=address.pk).suppression_id

    def test_what_they_write_changes_nothing(self, mail: Channel) -> None:
        [address] = mails(mail, "a@example.com")
        add("a@example.com", kind="email", reason="blocked", by=BY)
        receive(mail, Inbound("a@example.com", "1", "START", clock.now()))
        addresses.mark(address.pk, "active", clock.now())
        address.refresh_from_db()
        assert address.effective_state == AddressState.SUPPRESSED


class TestRemoving:
    def test_another_entry_still_holds(self, mail: Channel) -> None:
        mails(mail, *(f"{letter}@example.com" for letter in "abcde"))
        everybody, _ = add("*@example.com", kind="email", reason="blocked", by=BY)
        add("c@example.com", kind="email", reason="gone", by=BY)
        assert remove([everybody], by=BY) == 1
        assert suppressed() == {"c@example.com"}
        assert remove([everybody], by=BY) == 0
        assert [entry.pattern for entry in Suppression.objects.all()] == ["c@example.com"]
        actions = AuditEntry.objects.filter(action__startswith="suppression").order_by("pk")
        assert [entry.action for entry in actions] == [
            "suppression.add", "suppression.add", "suppression.remove",
        ]  # fmt: skip

    def test_an_opt_out_stays(self, mail: Channel) -> None:
        [address] = mails(mail, "a@example.com")
        addresses.mark(address.pk, "opted_out", clock.now())
        entry, _ = add("a@example.com", kind="email", reason="blocked", by=BY)
        remove([entry], by=BY)
        address.refresh_from_db()
        assert address.effective_state == AddressState.OPTED_OUT

    def test_one_that_is_added_again_meanwhile_stays(
        self, mail: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mails(mail, "a@example.com")
        entry, _ = add("a@example.com", kind="email", reason="blocked", by=BY)
        released = matching.check

        def added_again(ids: object) -> int:
            store([Entry.read("a@example.com", "email", "gone")], "agent", BY)
            return released(ids)  # type: ignore[arg-type]

        monkeypatch.setattr(matching, "check", added_again)
        remove([entry], by=BY)
        matching.apply_pending()
        assert suppressed() == {"a@example.com"}
        assert Suppression.objects.get().reason == "gone"

    def test_what_a_process_left_is_finished(
        self, mail: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mails(mail, "a@example.com", "b@example.com")
        first, _ = add("a@example.com", kind="email", reason="blocked", by=BY)
        store([Entry.read("b@*", "email", "gone")], "agent", BY)
        Suppression.objects.filter(pk=first.pk).update(removed_at=clock.now())
        matching.finish_interrupted()
        assert suppressed() == {"a@example.com"}
        monkeypatch.setattr(matching, "PATIENCE", -clock.SECOND)
        matching.finish_interrupted()
        assert suppressed() == {"b@example.com"}
        assert Suppression.objects.count() == 1


class TestSending:
    """Nothing is sent past the list."""

    def test_it_is_a_reason_of_the_audience_and_of_the_delivery(self, mail: Channel) -> None:
        mails(mail, "a@example.com", "b@example.org")
        add("*@example.com", kind="email", reason="blocked", by=BY)
        counted = summary(Audience(kind="all"), [mail])
        assert (counted.total, counted.dropped) == (1, {"suppressed": 1})
        broadcast = factory.sending([mail])
        assert factory.states(broadcast) == {"skipped": 1, "queued": 1}
        [skipped] = Delivery.objects.filter(state="skipped").select_related("reason")
        assert skipped.reason is not None
        assert skipped.reason.text == "The address is on the suppression list."

    def test_what_is_queued_is_skipped_at_once(self, mail: Channel) -> None:
        mails(mail, "a@example.com", "b@example.org", "c@example.com", "d@example.com")
        broadcast = factory.sending([mail])
        add("*@example.com", kind="email", reason="blocked", by=BY)
        assert factory.states(broadcast) == {"skipped": 3, "queued": 1}

    @pytest.mark.parametrize("pattern", ["*@example.com", "a@example.com"])
    def test_an_entry_has_its_effect_before_its_addresses_are_looked_up(
        self, mail: Channel, pattern: str
    ) -> None:
        [first, _] = mails(mail, "a@example.com", "b@example.org")
        factory.sending([mail])
        store([Entry.read(pattern, "email", "blocked")], "agent", BY)
        claimed = claim(mail.pk, reap.register(), 10).messages
        states = {one.to: one.address_state for one in claimed}
        assert states == {"a@example.com": "suppressed", "b@example.org": "active"}
        with pytest.raises(SingleError, match=r"suppression list\. Nothing is sent to it"):
            singles.send_single(first, by=BY, text="Hi")

    def test_a_reply_and_a_test_are_refused_and_a_queued_answer_is_skipped(
        self, mail: Channel
    ) -> None:
        [address] = mails(mail, "a@example.com")
        queued = singles.send_single(address, by=BY, text="Hi")
        add("a@example.com", kind="email", reason="opted_out", by=BY)
        assert factory.states(queued) == {"skipped": 1}
        for send in (singles.send_single, lambda to, **_: singles.send_test(
            factory.draft([mail]), to, by=BY
        )):  # fmt: skip
            with pytest.raises(SingleError, match="The address is on the suppression list"):
                send(address, by=BY, text="Hi")


@pytest.mark.only_on("postgresql")
@pytest.mark.django_db(transaction=True)
def test_an_address_that_is_written_while_an_entry_is_added_is_found(
    in_thread: Callable[..., threading.Thread],
) -> None:
    """The entry waits for those who compare with the list, so that it sees what they wrote."""
    mail = factory.channel("mail", "email")
    written, may_commit = threading.Event(), threading.Event()

    def write() -> None:
        with db.write():
            addresses.find_or_add(mail, "a@example.com", name="", language="")
            written.set()
            assert may_commit.wait(60)

    writer = in_thread(write)
    assert written.wait(60)
    adder = in_thread(lambda: add("*@example.com", kind="email", reason="blocked", by=BY))
    may_commit.set()
    for thread in (writer, adder):
        thread.join(60)
        assert not thread.is_alive()
    assert suppressed() == {"a@example.com"}


@pytest.mark.only_on("postgresql")
@pytest.mark.django_db(transaction=True)
def test_two_who_add_entries_within_their_work_do_not_wait_for_each_other(
    in_thread: Callable[..., threading.Thread],
) -> None:
    both, failures = threading.Barrier(2, timeout=20), []

    def work(value: str) -> None:
        try:
            with db.write():
                matching.wait_to_add()
                both.wait()
                store([Entry.read(value, "email", "gone")], "agent", BY)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [in_thread(lambda value=value: work(value)) for value in ("a@b.co", "b@b.co")]
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failures == []
    assert Suppression.objects.count() == 2


@pytest.fixture
def in_thread() -> Iterator[Callable[..., threading.Thread]]:
    def started(work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    return started


def test_the_sentences_of_a_reason_are_those_of_the_list() -> None:
    assert {str(reason) for reason in entries.Reason} == {
        "blocked", "gone", "bounced", "complained", "opted_out",
    }  # fmt: skip
