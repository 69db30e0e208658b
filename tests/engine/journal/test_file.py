"""Writing a journal: room, a disk that is full, and what is in it afterwards."""

import errno
import os
from pathlib import Path

import pytest

from clarion.engine.journal.file import BEGUN, CLAIMED, Journal
from clarion.engine.journal.format import Contents, Mark
from clarion.engine.journal.gone import gone_journals
from clarion.engine.journal.known import known_beats
from clarion.records.deliveries.settle import Settlement

SIZE = 16 * 1024


def answer(delivery: int, state: str = "sent", content: str = "Hello") -> Settlement:
    return Settlement(delivery, 1, 1, 1, state, 1, 1, attempted=True, content=content)


def journal(folder: Path) -> Journal:
    made = Journal(folder, SIZE)
    made.rewrite("database", 1, {})
    assert made.ready
    return made


def read(folder: Path) -> Contents:
    """What the one journal of a folder says, after its worker has ended."""
    with gone_journals(folder) as found:
        (one,) = found.values()
        assert one.contents is not None
        return one.contents


def end(made: Journal) -> None:
    """As if the process had died: the lock is gone, the file is there."""
    assert made._map is not None
    made._map.close()
    os.close(made._descriptor)


def test_it_says_how_far_each_delivery_came(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.claimed([1, 2, 3])
    assert made.begin(2)
    assert made.begin(3)
    made.answered(answer(3))
    made.note_beat(5)
    end(made)

    contents = read(tmp_path)
    assert contents.last == {1: Mark.CLAIMED, 2: Mark.BEGUN, 3: answer(3)}
    assert (contents.whole, contents.beat, contents.head.database) == (True, 5, "database")
    assert made.in_hand.keys() == {1, 2, 3}


def test_it_says_who_shares_a_request(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.claimed([1, 2, 3, 4])
    assert made.begin_together([1, 2, 3])
    made.answered(answer(2))
    made.rewrite("database", 2, dict(made.in_hand))
    end(made)

    contents = read(tmp_path)
    assert contents.last == {1: Mark.SHARED, 2: answer(2), 3: Mark.SHARED, 4: Mark.CLAIMED}
    assert contents.whole


def test_a_request_that_finds_no_room_begins_for_nobody(tmp_path: Path) -> None:
    made = journal(tmp_path)
    everybody = list(range(SIZE // 8))
    made.claimed([1, 2])

    assert not made.begin_together(everybody)
    assert made.begin_together([1, 2])
    end(made)

    assert read(tmp_path).last == {1: Mark.SHARED, 2: Mark.SHARED}


def test_nobody_reads_it_while_its_worker_lives(tmp_path: Path) -> None:
    made = journal(tmp_path)
    with gone_journals(tmp_path) as found:
        assert not found
    made.rewrite("database", 2, {})
    with gone_journals(tmp_path) as found:
        assert not found
    made.close()


def test_two_read_it_one_after_the_other(tmp_path: Path) -> None:
    end(journal(tmp_path))
    with gone_journals(tmp_path) as mine, gone_journals(tmp_path) as theirs:
        assert (len(mine), len(theirs)) == (1, 0)
    with gone_journals(tmp_path) as theirs:
        assert len(theirs) == 1


def test_a_copy_proves_nothing(tmp_path: Path) -> None:
    made = journal(tmp_path)
    end(made)
    (path,) = tmp_path.iterdir()
    kept = path.read_bytes()
    path.rename(tmp_path / "elsewhere")  # or the new file might get the same inode
    path.write_bytes(kept)

    with gone_journals(tmp_path) as found:
        assert not found[made.token].is_believed


def test_one_of_another_boot_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = journal(tmp_path)
    end(made)
    monkeypatch.setattr("clarion.engine.journal.gone.boot_id", lambda: "another")

    with gone_journals(tmp_path) as found:
        assert not found[made.token].is_believed


def test_with_nothing_in_hand_nothing_is_left(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.claimed([1])
    made.begin(1)
    made.answered(answer(1))
    made.settled([answer(1)])
    made.close()
    made.rewrite("database", 2, {})  # by a task that came late

    assert not list(tmp_path.glob("*.journal"))
    assert not made.crowded
    assert known_beats(tmp_path) == {"database": 1}


def test_with_something_in_hand_it_stays_for_the_next_worker(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.claimed([1])
    made.close()

    assert read(tmp_path).last == {1: Mark.CLAIMED}


def test_what_was_claimed_anew_before_its_last_message_was_settled_stays_in_hand(
    tmp_path: Path,
) -> None:
    made = journal(tmp_path)
    made.claimed([1, 2])
    for delivery in (1, 2):
        made.begin(delivery)
        made.answered(answer(delivery, "queued"))
    made.claimed([1])
    made.settled([answer(1), answer(2), answer(3)])

    assert made.in_hand == {1: CLAIMED}
    made.begin(1)
    made.settled([answer(1)])
    assert made.in_hand == {1: BEGUN}
    end(made)


def test_it_is_written_anew_without_what_has_been_settled(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.claimed([1, 2, 3, 4])
    for delivery in (1, 2, 3):
        made.begin(delivery)
    made.answered(answer(1))
    made.answered(answer(2))
    before = dict(made.in_hand)
    made.settled([answer(1)])
    made.rewrite("database", 9, before)
    made.settled([answer(2)])
    made.rewrite("database", 10, dict(made.in_hand))
    end(made)

    contents = read(tmp_path)
    assert contents.last == {3: Mark.BEGUN, 4: Mark.CLAIMED}
    assert contents.beat == 10


def test_what_was_settled_while_the_heartbeat_was_asked_for_stays(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.claimed([1])
    made.begin(1)
    before = dict(made.in_hand)
    made.answered(answer(1))
    made.settled([answer(1)])
    made.rewrite("database", 2, before)
    end(made)

    assert read(tmp_path).last == {1: Mark.BEGUN}


def test_it_is_not_ready_before_there_is_no_room_for_answers(tmp_path: Path) -> None:
    made = journal(tmp_path)
    delivery = 0
    while made.ready:
        delivery += 1
        made.claimed([delivery])
        assert made.begin(delivery)
    assert made.crowded
    made.answered(answer(delivery))
    made.settled([answer(number) for number in range(1, delivery + 1)])
    end(made)
    contents = read(tmp_path)
    assert contents.whole
    assert contents.last[delivery] == answer(delivery)


def test_answers_that_find_no_room_leave_the_message_begun(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.claimed([1, 2])
    made.begin(1)
    made.answered(answer(1, content="x" * SIZE))
    made.begin(2)
    made.rewrite("database", 2, {})
    end(made)

    contents = read(tmp_path)
    assert (contents.last, contents.whole) == ({1: Mark.BEGUN, 2: Mark.BEGUN}, True)


def test_nothing_begins_where_there_is_no_room_at_all(tmp_path: Path) -> None:
    made = journal(tmp_path)
    number = 0
    while made.begin(number):
        number += 1
    end(made)

    contents = read(tmp_path)
    assert contents.whole
    assert contents.last == dict.fromkeys(range(number), Mark.BEGUN)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO])
def test_a_full_disk_stops_it_with_a_reason_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    reserve = os.posix_fallocate

    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full)
    made = Journal(tmp_path / "journal", SIZE)
    made.rewrite("database", 1, {})
    made.claimed([1])

    assert not made.ready
    assert not made.begin(1)
    assert os.strerror(code) in made.trouble
    assert not list((tmp_path / "journal").iterdir())

    monkeypatch.setattr(os, "posix_fallocate", reserve)
    made.rewrite("database", 2, {})
    assert made.ready
    assert made.trouble == ""
    assert made.begin(1)
    end(made)
    assert read(tmp_path / "journal").last == {1: Mark.BEGUN}


def test_a_disk_that_gets_full_stops_it_once_its_file_is_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = journal(tmp_path)
    made.claimed([1])
    monkeypatch.setattr(os, "posix_fallocate", lambda *_: (_ for _ in ()).throw(OSError(28, "No")))
    made.rewrite("database", 2, {})
    assert made.ready
    assert not made.trouble
    while made.ready:
        made.begin(1)
    made.rewrite("database", 3, {})
    assert "No" in made.trouble
    end(made)
    assert read(tmp_path).last == {1: Mark.BEGUN}


def test_a_folder_that_can_not_be_made_is_trouble_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = Journal(tmp_path / "file" / "journal", SIZE)
    made.rewrite("database", 1, {})
    assert not made.ready
    assert "can't be written" in made.trouble


def test_files_that_nobody_finished_are_deleted_after_a_while(tmp_path: Path) -> None:
    old, fresh = tmp_path / "a.new", tmp_path / "b.new"
    for path in (old, fresh):
        path.write_text("")
    os.utime(old, (1, 1))
    with gone_journals(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == [fresh]
