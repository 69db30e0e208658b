"""What a journal's file says, whole, cut at any byte, or written by somebody else."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.engine.journal import format as fmt
from clarion.engine.journal.format import Contents, Head, Kind, Mark
from clarion.records.deliveries.settle import Settlement
from clarion.records.progress import Progress
from clarion.records.states import DeliveryState

SIZE = 65_536  # room for whatever is generated
HEAD = Head("boot", 1, SIZE, "database", 7)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PROGRESS = st.builds(
    Progress,
    data=st.dictionaries(TEXT, JSON, max_size=2),
    sent=st.integers(0, 9),
    recorded=st.integers(0, 9),
    answers=st.dictionaries(TEXT, JSON, max_size=2),
    memory=st.dictionaries(TEXT, JSON, max_size=2),
)
ID = st.integers(1, 20)
BIG = st.integers(0, 2**62)
ANSWER = st.builds(
    Settlement,
    delivery=ID, broadcast=BIG, channel=BIG, address=BIG,
    state=st.sampled_from(DeliveryState), attempts=st.integers(0, 9), at=BIG, due_at=BIG,
    code=TEXT, reason=TEXT, external_id=st.none() | TEXT, recovered=st.booleans(),
    maybe_sent=st.booleans(), attempted=st.booleans(), responses=st.integers(0, 9), latency=BIG,
    content=st.text(max_size=60), mark=TEXT, user_ids=st.lists(TEXT, max_size=2).map(tuple),
    moved_to=TEXT, progress=st.none() | PROGRESS, forgets=st.booleans(),
    attributes=st.none() | st.dictionaries(TEXT, JSON, max_size=2),
)  # fmt: skip
ANSWERED = Settlement(1, 1, 1, 1, DeliveryState.SENT, 1, 1)
Note = tuple[Kind, list[int]] | tuple[Kind, int] | tuple[Kind, Settlement]
NOTES = st.lists(
    st.tuples(st.just(Kind.CLAIMED), st.lists(ID, min_size=1, max_size=5))
    | st.tuples(st.just(Kind.BEGUN), ID)
    | st.tuples(st.just(Kind.BEAT), st.integers(8, 100))
    | st.tuples(st.just(Kind.ANSWERED), ANSWER),
    max_size=8,
)


def body(note: Note) -> bytes:
    match note:
        case (Kind.CLAIMED, list(ids)):
            return fmt.pack_ids(ids)
        case (_, int(number)):
            return fmt.ID.pack(number)
        case (_, Settlement() as answer):
            return fmt.pack_answer(answer)
    raise AssertionError(note)


def entry(kind: int, body: bytes) -> bytes:
    return fmt.pack_word(kind, body) + body + bytes(-len(body) % 8)


def written(notes: list[Note], head: Head = HEAD) -> tuple[bytes, list[int]]:
    """The bytes of a journal up to its last entry, and where each note's body ends."""
    data, ends = fmt.pack_head(head), []
    for note in notes:
        packed = body(note)
        ends.append(len(data) + fmt.WORD.size + len(packed))  # what fills up to 8 bytes is not read
        data += entry(note[0], packed)
    return data, ends


def said(notes: list[Note]) -> dict[int, Mark | Settlement]:
    last: dict[int, Mark | Settlement] = {}
    for kind, what in notes:
        if isinstance(what, list):
            last |= dict.fromkeys(what, Mark.CLAIMED)
        elif isinstance(what, Settlement):
            last[what.delivery] = what
        elif kind == Kind.BEGUN:
            last[what] = Mark.BEGUN
    return last


def parsed(data: bytes) -> Contents:
    contents = fmt.parse(data)
    assert contents is not None
    return contents


@given(NOTES)
def test_what_was_written_is_read(notes: list[Note]) -> None:
    contents = parsed(written(notes)[0].ljust(SIZE, b"\0"))

    assert contents.whole
    assert contents.last == said(notes)
    assert contents.beat == [7, *(what for kind, what in notes if kind == Kind.BEAT)][-1]


@given(NOTES, st.data())
def test_a_file_cut_at_any_byte_says_what_came_before_and_is_not_whole(
    notes: list[Note], data: st.DataObject
) -> None:
    packed, ends = written(notes)
    cut = data.draw(st.integers(fmt.HEAD, SIZE - 1))

    contents = parsed(packed.ljust(SIZE, b"\0")[:cut])

    assert not contents.whole
    assert contents.last == said(notes[: sum(end <= cut for end in ends)])


@given(NOTES.filter(bool), st.data())
def test_an_entry_that_death_cut_off_is_as_if_it_had_not_been_begun(
    notes: list[Note], data: st.DataObject
) -> None:
    packed, ends = written(notes)
    *_, before, end = [fmt.HEAD, *ends]
    start = before + -before % 8
    # The body is written first, the word of 8 bytes after it.
    done = data.draw(st.integers(start + 8, end))
    packed = packed[:start] + bytes(8) + packed[start + 8 : done]

    contents = parsed(packed.ljust(SIZE, b"\0"))

    assert contents.whole
    assert contents.last == said(notes[:-1])


@given(NOTES.filter(bool), st.data())
def test_a_damaged_byte_is_noticed(notes: list[Note], data: st.DataObject) -> None:
    packed, ends = written(notes)
    place = data.draw(st.integers(fmt.HEAD, len(packed) - 1))
    changed = bytearray(packed.ljust(SIZE, b"\0"))
    changed[place] ^= data.draw(st.integers(1, 255))

    contents = parsed(bytes(changed))

    # Bytes that only fill up to the next 8 may be anything.
    assert not contents.whole or contents.last == said(notes)
    assert contents.whole or contents.last == said(notes[: sum(end <= place for end in ends)])


@given(st.binary(max_size=fmt.HEAD * 2))
def test_any_bytes_are_no_journal(data: bytes) -> None:
    assert fmt.parse(data) is None
    assert fmt.parse(fmt.MAGIC + data) is None
    assert fmt.parse(fmt.MAGIC) is None


@pytest.mark.parametrize("cut", range(0, fmt.HEAD, 7))
def test_a_head_that_was_cut_says_nothing_wrong(cut: int) -> None:
    head = fmt.pack_head(HEAD)[:cut]
    assert fmt.parse_head(head) in {None, HEAD}
    assert fmt.parse_head(head[:100]) is None


def test_a_journal_of_another_version_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    older = fmt.pack_head(HEAD)
    monkeypatch.setattr(fmt, "VERSION", "0")
    assert fmt.parse(older) is None


def test_an_entry_of_an_unknown_kind_ends_what_can_be_read() -> None:
    packed, _ = written([(Kind.BEGUN, 1)])
    packed += entry(99, b"later") + written([(Kind.BEGUN, 2)])[0][fmt.HEAD :]

    contents = parsed(packed.ljust(SIZE, b"\0"))

    assert (contents.last, contents.whole) == ({1: Mark.BEGUN}, False)


def test_a_file_that_is_full_to_its_end_is_whole() -> None:
    begun = entry(Kind.BEGUN, fmt.ID.pack(3))
    size = fmt.HEAD + 2 * len(begun)
    packed = fmt.pack_head(replace(HEAD, size=size)) + 2 * begun

    assert parsed(packed).whole
    assert not parsed(packed[:-1]).whole


def test_the_word_of_an_entry_is_written_in_one_piece() -> None:
    assert fmt.WORD.size == struct.calcsize("Q") == 8
    assert fmt.HEAD % 8 == 0


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.ANSWERED])
def test_a_damaged_kind_is_noticed(kind: Kind) -> None:
    packed, _ = written([(Kind.ANSWERED, ANSWERED)])
    changed = bytearray(packed.ljust(SIZE, b"\0"))
    changed[fmt.HEAD + 3] = kind  # the highest byte of the word

    contents = parsed(bytes(changed))

    assert not contents.whole
    assert contents.last == {}
