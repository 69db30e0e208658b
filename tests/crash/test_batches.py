"""kill -9 while one request for 300 recipients is on the wire: the truth about each of them."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from clarion.accounts import audit
from clarion.channels.manage import add_channel
from clarion.contacts.imports import import_contacts
from clarion.kit import db
from clarion.records.models import Record
from crash import rehearsal
from support.listener import Heard, Listener
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
PEOPLE, RECEIVERS = 1_000, 300
NOT_SUBSCRIBED, BAD_DATA, TOO_MANY = 6, 3, 12


class Provider:
    """Answers up to the first request for 300 people, some of whom fail, and then no more.

    Who was told what is known here, as far as an answer has left.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answered: dict[str, int] = {}  # the last status of each person
        self.attempts: Counter[str] = Counter()
        self.held: list[list[str]] = []  # recipients of each request that waits for its answer
        self.is_holding = False
        self.released = threading.Event()

    def answer(self, heard: Heard) -> tuple[int, Any]:
        people = heard.body.get("broadcast_list") or [heard.body["receiver"]]
        with self.lock:
            self.attempts.update(people)
            is_held = self.is_holding and not self.released.is_set()
            if is_held:
                self.held.append(people)
            else:
                statuses = {person: self._status(person, people) for person in people}
                self.answered |= statuses
                self.is_holding |= len(people) == RECEIVERS
        if is_held:
            self.released.wait(120)  # by then the worker is dead: nobody reads the answer
            return 200, {"status": 0, "status_message": "ok", "message_token": 1}
        failed = [
            {"receiver": person, "status": status, "status_message": "failed"}
            for person, status in statuses.items()
            if status
        ]
        answer = {"status": 0, "status_message": "ok", "message_token": sum(self.attempts.values())}
        return 200, answer | ({"failed_list": failed} if failed else {})

    def _status(self, person: str, people: list[str]) -> int:
        number = int(person[1:]) % 25
        if len(people) == 1 or (number == TOO_MANY and self.attempts[person] > 1):
            return 0
        return number if number in (NOT_SUBSCRIBED, BAD_DATA, TOO_MANY) else 0

    def is_all_on_the_wire(self) -> bool:
        """Whether everybody was answered for good or is in a request that waits."""
        with self.lock:
            done = sum(status != TOO_MANY for status in self.answered.values())
            return done + sum(map(len, self.held)) == PEOPLE


def test_after_a_kill_each_of_300_recipients_of_a_request_is_what_is_known_of_them(
    own_database: object, processes: Processes, tmp_path: Path
) -> None:
    provider = Provider()
    with Listener(provider.answer) as listener:
        channel = add_channel(
            name="bot",
            kind="viber",
            settings={
                "token": "445da6az1s345z78-dazcczb2542zv51a",
                "sender": "Spring shop",
                "api_root": listener.url,
                "allow_private": "true",
            },
            by=audit.COMMAND_LINE,
        )
        import_contacts(
            rehearsal.people_file(tmp_path, PEOPLE), channel=channel, by=audit.COMMAND_LINE
        )
        broadcast = rehearsal.broadcast_to_all(channel, text="Hello everybody")
        worker = rehearsal.start_worker(processes)
        eventually(provider.is_all_on_the_wire, timeout=120)
        worker.kill()
        provider.released.set()
        rehearsal.start_worker(processes)
        rehearsal.wait_completed(broadcast, timeout=120)

    rows = db.fetch(
        "SELECT a.value, d.state, r.code, d.external_id FROM records_delivery d "
        "JOIN contacts_address a ON a.id = d.address_id "
        "LEFT JOIN records_reason r ON r.id = d.reason_id WHERE d.broadcast_id = %s",
        [broadcast.pk],
    )
    truth = {person: (state, code) for person, state, code, _ in rows}
    on_the_wire = {person for people in provider.held for person in people}
    assert max(map(len, provider.held)) == RECEIVERS
    assert {person for person, is_ in truth.items() if is_[0] == "in_doubt"} == on_the_wire
    for person, status in provider.answered.items():
        if person not in on_the_wire:
            assert truth[person] == (("failed", str(status)) if status else ("sent", None)), person
    assert Counter(provider.answered.values())[NOT_SUBSCRIBED] > 3
    sent_again = {person for person, count in provider.attempts.items() if count > 1}
    assert sent_again == {p for p in provider.attempts if provider.attempts[p] == 2}
    assert all(int(person[1:]) % 25 == TOO_MANY for person in sent_again)
    tokens = [external_id for _, state, _, external_id in rows if state == "sent"]
    assert len(set(tokens)) == len(tokens)  # a receipt finds one of them
    assert Record.objects.filter(broadcast=broadcast).count() == PEOPLE
    rehearsal.assert_reconciled(broadcast)
