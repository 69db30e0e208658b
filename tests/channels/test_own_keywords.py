"""Words of the operator's own."""

import pytest

from clarion.accounts.models import AuditEntry
from clarion.channels import own_keywords
from clarion.channels.errors import ChannelError
from clarion.channels.keywords import requested_state
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


def written() -> list[str]:
    return [word.written for word in own_keywords.listed()]


def test_words_are_added_once_and_compared_folded() -> None:
    assert len(own_keywords.add(["Nie  wieder!", "NIE WIEDER", "genug"], "opted_out", BY)) == 2
    assert own_keywords.add(["nie wieder"], "opted_out", BY) == []
    assert written() == ["genug", "NIE WIEDER"]
    assert requested_state("Nie wieder 🛑", own_keywords.own_words()) == "opted_out"
    assert AuditEntry.objects.get().detail["words"] == ["NIE WIEDER", "genug"]


@pytest.mark.parametrize("word", ["🛑", "", "x" * 101, "start", "Start please"])
def test_what_can_not_be_a_word_is_refused(word: str) -> None:
    with pytest.raises(ChannelError):
        own_keywords.add(["genug", word], "opted_out", BY)
    assert written() == []


def test_a_word_has_one_meaning() -> None:
    own_keywords.add(["genug"], "opted_out", BY)
    with pytest.raises(ChannelError, match=r"“genug” opts contacts out already"):
        own_keywords.add(["Genug!"], "active", BY)


def test_there_is_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_keywords, "MOST", 2)
    with pytest.raises(ChannelError, match="There can be 2 words"):
        own_keywords.add(["eins", "zwei", "drei"], "opted_out", BY)


def test_words_are_removed_and_replaced() -> None:
    own_keywords.add(["eins", "zwei"], "opted_out", BY)
    assert own_keywords.remove(["EINS", "stop"], BY) == ["eins"]
    own_keywords.replace(["drei"], ["zwei"], BY)
    assert own_keywords.own_words() == {"drei": "opted_out", "zwei": "active"}
    with pytest.raises(ChannelError):
        own_keywords.replace(["start"], [], BY)
    assert own_keywords.own_words() == {"drei": "opted_out", "zwei": "active"}
