"""People picked one by one."""

from pathlib import Path

import pytest

from clarion.broadcasts import picks
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.picks import (
    PicksError,
    add_picks,
    add_picks_from_chats,
    add_picks_from_csv,
    find_chats,
)
from clarion.contacts.csv_ids import IdsRefused
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def broadcast() -> Broadcast:
    return factory.draft([factory.channel()])


def picked(broadcast: Broadcast) -> list[int]:
    return sorted(Pick.objects.filter(broadcast=broadcast).values_list("address_id", flat=True))


def test_each_address_is_picked_once(broadcast: Broadcast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picks, "CHUNK", 3)
    ids = [address.pk for address in factory.people(broadcast.channels.get(), 8)]
    assert add_picks(broadcast, ids[:5]) == 5
    assert add_picks(broadcast, iter(ids + ids)) == 3
    assert add_picks(broadcast, []) == 0
    assert picked(broadcast) == ids


class TestFromCsv:
    def test_those_known_on_the_channel(self, broadcast: Broadcast, tmp_path: Path) -> None:
        channel = broadcast.channels.get()
        ids = [address.pk for address in factory.people(channel, 5)]
        path = tmp_path / "ids.csv"
        path.write_text("user\nu0\nu4\nnobody\n")
        found = add_picks_from_csv(broadcast, path, channel, rejects=tmp_path / "rejects.csv")
        assert picked(broadcast) == [ids[0], ids[4]]
        assert found.rejected == [(4, "nobody", "not known on sink")]
        assert (tmp_path / "rejects.csv").exists()

    def test_a_bad_file_picks_nobody(self, broadcast: Broadcast, tmp_path: Path) -> None:
        channel = broadcast.channels.get()
        factory.people(channel, 1)
        path = tmp_path / "ids.csv"
        path.write_bytes(b"user\nu0\n\xff\n")
        with pytest.raises(IdsRefused, match="Line 3, byte 9"):
            add_picks_from_csv(broadcast, path, channel)
        assert picked(broadcast) == []


class TestFromChats:
    def test_numbers_on_any_mix_of_channels(self, broadcast: Broadcast) -> None:
        first = factory.people(broadcast.channels.get(), 2)
        other = factory.people(factory.channel("other"), 1)
        typed = f" {other[0].pk}, {first[0].pk},{first[0].pk}, "
        found = add_picks_from_chats(broadcast, typed)
        assert [address.pk for address in found] == [other[0].pk, first[0].pk]
        assert picked(broadcast) == sorted(address.pk for address in found)
        assert add_picks_from_chats(broadcast, [first[1].pk]) == [first[1]]

    def test_on_certain_channels_only(self, broadcast: Broadcast) -> None:
        here = broadcast.channels.get()
        first = factory.people(here, 1)[0]
        other = factory.people(factory.channel("other"), 1)[0]
        assert find_chats([first.pk], [here]) == [first]
        with pytest.raises(PicksError) as failure:
            find_chats(f"{first.pk}, {other.pk}", [here])
        assert str(failure.value) == (
            f"There is no chat on sink with the number {other.pk}. Correct it."
        )

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("", "Write chat numbers, separated by commas."),
            (" , ,", "Write chat numbers, separated by commas."),
            ("1;2", "“1;2” is no chat number. Separate numbers by commas."),
            ("1,-2", "“-2” is no chat number. Separate numbers by commas."),
            ("١", "“١” is no chat number. Separate numbers by commas."),
            ("900000001,900000002", ("There is no chat with the number 900000001, 900000002. "
             "Correct it.")),
            ("9" * 4_000, f"There is no chat with the number {'9' * 30}. Correct it."),
            ("0", "There is no chat with the number 0. Correct it."),
            (",".join(map(str, range(12_000))), ("At most 10,000 chat numbers. "
             "Use a CSV file of user ids.")),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named_and_nobody_picked(
        self, broadcast: Broadcast, typed: str, sentence: str
    ) -> None:
        known = factory.people(broadcast.channels.get(), 1)[0].pk
        with pytest.raises(PicksError) as failure:
            add_picks_from_chats(broadcast, f"{known},{typed}" if "9" in typed[:1] else typed)
        assert str(failure.value) == sentence
        assert picked(broadcast) == []
