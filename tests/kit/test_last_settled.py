"""Reading a table in the order of its ids passes over nothing that is committed later."""

import threading

import pytest
from django.db import connection, transaction

from clarion.contacts.models import Tag
from clarion.kit.db.tailing import last_settled

pytestmark = pytest.mark.django_db(transaction=True)


def add(name: str) -> int:
    return Tag.objects.create(name=name).pk


@pytest.mark.only_on("postgresql")  # SQLite has one writer at a time
def test_a_row_behind_one_that_is_not_committed_waits_for_it() -> None:
    first = add("a")
    written, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                add("b")
                written.set()
                may_commit.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    try:
        assert written.wait(60)
        last = add("c")
        assert last_settled("FROM contacts_tag", first - 1, 10) == first
    finally:
        may_commit.set()
        thread.join()
    assert last_settled("FROM contacts_tag", first - 1, 10) == last


def test_no_more_rows_than_asked_for() -> None:
    ids = [add(name) for name in "abc"]
    assert last_settled("FROM contacts_tag", ids[0], 1) == ids[1]
    assert last_settled("FROM contacts_tag", ids[2], 10) == ids[2]


@pytest.mark.only_on("postgresql")  # SQLite has one writer at a time
def test_an_older_transaction_that_commits_a_later_id_first_does_not_hide_an_earlier_id() -> None:
    first = add("a")
    began, written = threading.Event(), threading.Event()
    may_add, may_commit = threading.Event(), threading.Event()
    keys: dict[str, int] = {}

    def begin_early_and_end_early() -> None:
        try:
            with transaction.atomic():
                add("begins")
                began.set()
                may_add.wait(60)
                keys["late"] = add("late")
        finally:
            connection.close()

    def begin_late_and_end_late() -> None:
        try:
            with transaction.atomic():
                keys["slow"] = add("slow")
                written.set()
                may_commit.wait(60)
        finally:
            connection.close()

    early = threading.Thread(target=begin_early_and_end_early)
    late = threading.Thread(target=begin_late_and_end_late)
    early.start()
    assert began.wait(60)
    late.start()
    try:
        assert written.wait(60)
        may_add.set()
        early.join()
        assert keys["slow"] < keys["late"]
        assert last_settled("FROM contacts_tag", first - 1, 10) < keys["slow"]
    finally:
        may_add.set()
        may_commit.set()
        late.join()
    assert last_settled("FROM contacts_tag", first - 1, 10) == keys["late"]
