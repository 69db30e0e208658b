"""Saved filters: whose they are, who may change them, and what is kept of an address."""

import pytest

from clarion.accounts import audit, saved_filters
from clarion.accounts.models import Agent, AuditEntry, SavedFilter
from clarion.accounts.saved_filters import SavedFilterError
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> Agent:
    return factory.agent("viewer", "Ada")


@pytest.fixture
def ben(db: None) -> Agent:
    return factory.agent("viewer", "Ben")


def names(agent: Agent | None) -> list[str]:
    return [saved.name for saved in saved_filters.visible(agent)]


def test_ones_own_are_seen_by_nobody_else_and_shared_ones_by_all(ada: Agent, ben: Agent) -> None:
    saved_filters.save("records", "Mine", "status=error", shared=False, by=ada)
    saved_filters.save("records", "Ours", "status=error", shared=True, by=ada)
    assert (names(ada), names(ben), names(None)) == (["Mine", "Ours"], ["Ours"], ["Ours"])


def test_the_place_in_the_list_is_not_kept() -> None:
    kept = saved_filters.conditions
    assert kept("records", "?status=error&cursor=x&name=") == "status=error"
    assert kept("records", "after=2026-01-01T00:00") == "after=2026-01-01T00%3A00"
    assert kept("logs", "q=spring&after=17") == "q=spring"
    assert kept("broadcasts", "type=trigger&type=external") == "type=trigger&type=external"
    with pytest.raises(SavedFilterError, match="Filter the list first"):
        kept("contacts", "after=17&q=+")
    with pytest.raises(SavedFilterError, match="too long"):
        kept("contacts", f"q={'x' * 2_000}")


def test_a_name_is_used_once_in_a_list(ada: Agent, ben: Agent) -> None:
    saved_filters.save("records", "Failures", "status=error", shared=True, by=ada)
    saved_filters.save("clicks", "Failures", "first=yes", shared=False, by=ada)
    for agent, name in ((ada, "Failures"), (ben, " Failures "), (ben, " "), (ben, "x" * 81)):
        with pytest.raises(SavedFilterError):
            saved_filters.save("records", name, "name=x", shared=False, by=agent)


def test_the_owner_and_managers_change_it(ada: Agent, ben: Agent) -> None:
    manager = factory.agent("manager", "Cleo")
    saved = saved_filters.save("logs", "Spring", "q=spring", shared=True, by=ada)
    for act in (saved_filters.delete, lambda saved, by: saved_filters.rename(saved, "X", by=by)):
        with pytest.raises(SavedFilterError, match="Only the agent who saved"):
            act(saved, by=ben)
    saved_filters.rename(saved, "Summer", by=manager)
    saved_filters.delete(saved, by=ada)
    acts = AuditEntry.objects.filter(action__startswith="filter.").order_by("pk")
    assert list(acts.values_list("action", "actor")) == [
        ("filter.create", "Ada"), ("filter.rename", "Cleo"), ("filter.delete", "Ada")
    ]  # fmt: skip


def test_the_default_is_each_agents_own(ada: Agent, ben: Agent) -> None:
    saved = saved_filters.save("logs", "Spring", "q=spring", shared=True, by=ada)
    other = saved_filters.save("logs", "Summer", "q=summer", shared=False, by=ada)
    for agent in (ada, ben):
        saved_filters.set_default(agent, saved)
    saved_filters.set_default(ada, other)
    assert saved_filters.defaults(ada) == {"logs": other}
    assert saved_filters.defaults(ben) == {"logs": saved}
    saved_filters.share(saved, False, by=ada)
    assert saved_filters.defaults(ben) == {}, "nobody's default is a filter that they can't see"
    saved_filters.clear_default(ada, "logs")
    assert saved_filters.defaults(ada) == {}


def test_what_no_agent_saved_is_shared_and_stays_so() -> None:
    saved = saved_filters.save("logs", "Spring", "q=spring", shared=False, by=audit.COMMAND_LINE)
    assert saved.is_shared
    with pytest.raises(SavedFilterError, match="stays shared"):
        saved_filters.share(saved, False, by=audit.COMMAND_LINE)
    with pytest.raises(SavedFilterError, match="Choose one of"):
        saved_filters.save("chats", "X", "q=x", shared=True, by=audit.COMMAND_LINE)
    assert SavedFilter.objects.count() == 1
