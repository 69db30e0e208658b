"""The percentages at which a broadcast pauses by itself."""

import pytest
from django.test import override_settings

from clarion import config
from clarion.broadcasts import drafts
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.halting import Limits, PercentError, limits_of, parse_percent
from support import factory


@pytest.mark.parametrize(
    ("text", "percent"), [("", None), (" ", None), ("0", 0), ("20", 20), (" 7 % ", 7), ("100", 100)]
)
def test_a_percentage_as_people_write_it(text: str, percent: int | None) -> None:
    assert parse_percent(text) == percent


@pytest.mark.parametrize("text", ["101", "-1", "2.5", "many", "٣"])
def test_what_is_no_percentage(text: str) -> None:
    with pytest.raises(PercentError, match="from 0 to 100"):
        parse_percent(text)


@pytest.mark.django_db
def test_a_broadcast_has_its_own_limits_or_those_of_the_workspace() -> None:
    draft = factory.draft([factory.channel()], pause_unreachable=0)
    assert limits_of(draft) == Limits(20, 0)

    workspace = config.Settings(pause_rejected_percent=7, pause_unreachable_percent=8)
    with override_settings(CLARION=workspace):
        assert limits_of(draft) == Limits(7, 0)
        copy = drafts.duplicate(draft, by=factory.BY)
        assert (copy.pause_rejected, copy.pause_unreachable) == (None, 0)

    with pytest.raises(LaunchError, match="from 0 to 100"):
        drafts.edit_draft(draft, by=factory.BY, pause_rejected=101)
