"""Reasons are stored once for each wording, and all that are asked for together."""

import pytest
from pytest_django import DjangoAssertNumQueries

from clarion.records.models import Reason
from clarion.records.reasons import forget, reason_ids

BUSY, GONE = ("503", "The server is busy."), ("gone", "The address does not exist.")
LONG = ("x" * 70, "The provider's codes are long.")

pytestmark = pytest.mark.django_db


def test_each_is_stored_once_with_its_class() -> None:
    first = reason_ids({BUSY: "retry", GONE: "unreachable"})
    forget()
    both = reason_ids([GONE, LONG, GONE, ("503", GONE[1]), BUSY])

    assert {wording: both[wording] for wording in first} == first
    assert len(set(both.values())) == Reason.objects.count() == 4
    assert dict(Reason.objects.values_list("pk", "refusal")) == {
        first[BUSY]: "retry", first[GONE]: "unreachable", both[LONG]: "", both["503", GONE[1]]: "",
    }  # fmt: skip
    assert Reason.objects.get(pk=both[LONG]).code == "x" * 60


def test_any_number_takes_few_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    many = [("code", f"Sentence {number}.") for number in range(50)]
    with django_assert_num_queries(3):  # what is there; what is not is added; and its ids
        ids = reason_ids(many)
    with django_assert_num_queries(1):
        assert reason_ids(many) == ids


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_is_remembered(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ids = reason_ids([BUSY, GONE])
    with django_assert_num_queries(0):
        assert reason_ids([GONE, BUSY]) == {GONE: ids[GONE], BUSY: ids[BUSY]}
