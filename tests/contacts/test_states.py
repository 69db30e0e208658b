"""The table of address states, and those who read from it."""

from clarion.broadcasts.reasons import LEFT_OUT, SKIPPED
from clarion.contacts.states import (
    CHOOSABLE,
    EXPLANATIONS,
    INACTIVE,
    OUT_OF_REACH,
    AddressState,
    explain,
)
from clarion.web.words import ADDRESS_STATES


def test_every_state_is_explained_everywhere() -> None:
    assert set(EXPLANATIONS) == set(AddressState)
    assert set(ADDRESS_STATES) == set(AddressState)
    assert set(INACTIVE) == set(AddressState) - {AddressState.ACTIVE}
    assert set(OUT_OF_REACH) < set(INACTIVE)


def test_whoever_is_stopped_is_left_out_and_skipped_for_that_reason() -> None:
    for state in INACTIVE:
        assert LEFT_OUT[state] == state.label.lower()
        assert SKIPPED[state] == EXPLANATIONS[state].sentence


def test_an_explanation_is_whole_sentences() -> None:
    for state in CHOOSABLE:
        assert explain(state).endswith(".")
        assert bool(EXPLANATIONS[state].advice) is (state in INACTIVE)
