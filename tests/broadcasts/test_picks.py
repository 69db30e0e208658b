"""People picked one by one."""

import pytest

from clarion.broadcasts import picks
from clarion.broadcasts.errors import PicksError
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.picks import add_picks, find_chats
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


class TestFromChats:
    def test_numbers_on_any_mix_of_channels(self, broadcast: Broadcast) -> None:
        first = factory.people(broadcast.channels.get(), 2)
        other = factory.people(factory.channel("other"), 1)
        typed = f" {other[0].pk}, {first[0].pk},{first[0].pk}, "
        assert find_chats(typed) == [other[0], first[0]]
        assert find_chats(f"{first[0].pk}\n{first[1].pk};{other[0].pk} ") == [*first, *other]
        assert find_chats([first[1].pk]) == [first[1]]

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
            ("1-2", "“1-2” is no chat number. Separate numbers by commas."),
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
    def test_what_is_wrong_is_named(self, broadcast: Broadcast, typed: str, sentence: str) -> None:
        person = factory.people(broadcast.channels.get(), 1)[0]
        is_unknown = "9" in typed[:1]
        with pytest.raises(PicksError) as failure:
            find_chats(f"{person.pk},{typed}" if is_unknown else typed)
        assert str(failure.value) == sentence
        assert failure.value.found == ([person] if is_unknown else [])
