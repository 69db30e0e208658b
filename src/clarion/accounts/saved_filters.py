"""Saved filters: the conditions of a list under a name, for oneself or shared with everybody.

What a condition means is for the list to know. Here it is what stands in the list's address.
"""

from urllib.parse import parse_qsl, urlencode

from django.db import transaction
from django.db.models import Q, QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent, DefaultFilter, Role, SavedFilter
from clarion.kit.text import one_line

LONGEST = 80  # characters of a name
LONGEST_QUERY = 2_000  # characters
MOST = 200  # filters that one agent sees in a list
# What a list's address has beside its conditions: the place in it.
_PLACES = {
    SavedFilter.List.RECORDS: {"cursor"},
    SavedFilter.List.CLICKS: {"cursor"},
    SavedFilter.List.LOGS: {"after"},
    SavedFilter.List.CONTACTS: {"after"},
    SavedFilter.List.BROADCASTS: {"after"},
}


class SavedFilterError(ValueError):
    """A filter can't be saved or changed: one sentence, and the field it is about."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def visible(agent: Agent | None) -> "QuerySet[SavedFilter]":
    """The filters that an agent sees: the agent's own and those that are shared (None: these)."""
    own = Q(agent=agent) if agent is not None else Q()
    shared = Q(is_shared=True)
    rows = SavedFilter.objects.filter(own | shared if agent is not None else shared)
    return rows.select_related("agent").order_by("name", "pk")


def save(list_name: str, name: str, query: str, *, shared: bool, by: Agent | str) -> SavedFilter:
    """Save the conditions of a list's address. Raises SavedFilterError.

    What is saved by no agent is shared: nobody else could see it.
    """
    if list_name not in SavedFilter.List.values:
        raise SavedFilterError(f"Choose one of {', '.join(SavedFilter.List.values)}.", "list")
    agent = by if isinstance(by, Agent) else None
    with transaction.atomic():
        if visible(agent).filter(list=list_name).count() >= MOST:
            raise SavedFilterError(f"A list has at most {MOST} saved filters. Delete one first.")
        saved = SavedFilter(agent=agent, list=list_name, is_shared=shared or agent is None)
        saved.name = _checked(saved, name)
        saved.query = conditions(list_name, query)
        saved.save()
        _note("create", saved, by)
    return saved


def conditions(list_name: str, query: str) -> str:
    """The conditions in a list's address, without the place in it. Raises SavedFilterError."""
    places = _PLACES[SavedFilter.List(list_name)]
    pairs = parse_qsl(query.lstrip("?").replace("\x00", ""))
    kept = urlencode([pair for pair in pairs if pair[0] not in places and pair[1].strip()])
    if not kept:
        raise SavedFilterError("Filter the list first, then save its filter.", "query")
    if len(kept) > LONGEST_QUERY:
        raise SavedFilterError("These conditions are too long to be saved. Shorten them.", "query")
    return kept


def rename(saved: SavedFilter, name: str, *, by: Agent | str) -> None:
    """Give a filter another name. Raises SavedFilterError."""
    _check_allowed(saved, by)
    saved.name = _checked(saved, name)
    saved.save(update_fields=["name"])
    _note("rename", saved, by)


def share(saved: SavedFilter, shared: bool, *, by: Agent | str) -> None:
    """Share a filter with everybody, or with nobody any more. Raises SavedFilterError."""
    _check_allowed(saved, by)
    if not shared and saved.agent is None:
        raise SavedFilterError("No agent owns this filter, so it stays shared. You can delete it.")
    with transaction.atomic():
        saved.is_shared = shared
        saved.save(update_fields=["is_shared"])
        if not shared:
            DefaultFilter.objects.filter(filter=saved).exclude(agent=saved.agent).delete()
        _note("share" if shared else "unshare", saved, by)


def delete(saved: SavedFilter, *, by: Agent | str) -> None:
    """Delete a filter. Raises SavedFilterError."""
    _check_allowed(saved, by)
    with transaction.atomic():
        _note("delete", saved, by)
        saved.delete()


def may_change(saved: SavedFilter, by: Agent | str) -> bool:
    """Whether it is the agent's own, or a shared one that a manager takes care of."""
    if not isinstance(by, Agent):
        return saved.is_shared
    return saved.agent_id == by.pk or (saved.is_shared and by.may(Role.MANAGER))


def set_default(agent: Agent, saved: SavedFilter) -> None:
    """Let a list open with this filter, for this agent."""
    DefaultFilter.objects.update_or_create(agent=agent, list=saved.list, defaults={"filter": saved})


def clear_default(agent: Agent, list_name: str) -> None:
    """Let a list open without a filter again."""
    DefaultFilter.objects.filter(agent=agent, list=list_name).delete()


def defaults(agent: Agent) -> dict[str, SavedFilter]:
    """The default filters of an agent, by list."""
    rows = DefaultFilter.objects.filter(agent=agent).select_related("filter")
    return {row.list: row.filter for row in rows}


def _checked(saved: SavedFilter, name: str) -> str:
    name = one_line(name)
    if not name:
        raise SavedFilterError("Enter a name for the filter.", "name")
    if len(name) > LONGEST:
        raise SavedFilterError(f"A name has at most {LONGEST} characters. Shorten it.", "name")
    same = visible(saved.agent).filter(list=saved.list, name=name).exclude(pk=saved.pk)
    if same.exists():
        raise SavedFilterError(
            f"There is already a filter called “{name}”. Choose another name.", "name"
        )
    return name


def _check_allowed(saved: SavedFilter, by: Agent | str) -> None:
    if not may_change(saved, by):
        raise SavedFilterError(
            "Only the agent who saved this filter, or a manager, can change it. Ask one of them."
        )


def _note(act: str, saved: SavedFilter, by: Agent | str) -> None:
    audit.note(
        f"filter.{act}", f"saved filter {saved.pk}", by, name=saved.name, list=saved.list,
        query=saved.query, shared=saved.is_shared,
    )  # fmt: skip
