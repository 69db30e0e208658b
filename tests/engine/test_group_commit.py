"""Group commit: one transaction for many, an answer after it, and bounds on what waits."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import pytest
from django.db import OperationalError

from clarion.engine.group_commit import Bounds, GroupCommit, Overloaded


class Store:
    """Keeps groups; each waits for its turn, and some items are refused."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refuses: set[int] = set()
        self.gone = False

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """As a thread would."""
        self.begun.append(list(args[0]))
        await self.open.wait()
        return work(*args)

    def write(self, group: Sequence[int]) -> None:
        """One transaction."""
        if self.gone:
            raise OperationalError("gone")
        if refused := self.refuses.intersection(group):
            raise ValueError(f"refused: {sorted(refused)}")
        self.groups.append(list(group))

    def written(self) -> list[int]:
        """All items, in the order in which they were written."""
        return list(chain.from_iterable(self.groups))

    def commits(self, **bounds: Any) -> GroupCommit[int]:
        """A group commit into this store."""
        return GroupCommit(self.write, self, Bounds(**bounds), pause=0)


@pytest.fixture
async def store() -> Store:
    return Store()


async def begun(store: Store, groups: int) -> None:
    while len(store.begun) < groups:
        await asyncio.sleep(0)


async def test_what_arrives_during_a_write_makes_up_the_next_group(store: Store) -> None:
    commits = store.commits()
    store.open.clear()
    first = asyncio.create_task(commits.add(0))
    await begun(store, 1)
    others = [asyncio.create_task(commits.add(n)) for n in range(1, 50)]
    await asyncio.sleep(0)
    assert not first.done()
    store.open.set()
    await asyncio.gather(first, *others)
    assert store.groups == [[0], list(range(1, 50))]


async def test_a_group_has_a_size(store: Store) -> None:
    commits = store.commits(group=20)
    await asyncio.gather(*(commits.add(n) for n in range(50)))
    assert [len(group) for group in store.groups] == [20, 20, 10]
    assert store.written() == list(range(50))


async def test_nobody_is_answered_before_the_commit(store: Store) -> None:
    commits = store.commits()
    store.open.clear()
    adding = asyncio.create_task(commits.add(1))
    await begun(store, 1)
    await asyncio.sleep(0)
    assert not adding.done()
    store.open.set()
    await adding
    assert store.groups == [[1]]


async def test_one_that_is_refused_costs_the_others_nothing(store: Store) -> None:
    store.refuses = {3}
    commits = store.commits()
    results = await asyncio.gather(*(commits.add(n) for n in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None)] * 3 + [ValueError, type(None)]
    assert store.written() == [0, 1, 2, 4]


async def test_a_database_that_is_gone_overloads_all_and_comes_back(store: Store) -> None:
    store.gone = True
    commits = store.commits()
    results = await asyncio.gather(*(commits.add(n) for n in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {Overloaded}
    store.gone = False
    await commits.add(9)
    assert store.groups == [[9]]


@pytest.mark.parametrize("bounds", [{"waiting": 10}, {"waiting_bytes": 100}])
async def test_more_than_may_wait_is_refused_at_once(store: Store, bounds: Any) -> None:
    commits = store.commits(**bounds)
    store.open.clear()
    adding = [asyncio.create_task(commits.add(n, 10)) for n in range(1)]
    await begun(store, 1)
    adding += [asyncio.create_task(commits.add(n, 10)) for n in range(1, 11)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await commits.add(99, 10)
    store.open.set()
    await asyncio.gather(*adding)
    await commits.add(100, 10)
    assert 99 not in store.written()


async def test_who_waited_too_long_is_answered_and_not_written_later(store: Store) -> None:
    commits = store.commits(group=1, patience=0.01)
    store.open.clear()
    first, second = (asyncio.create_task(commits.add(n)) for n in range(2))
    for adding in (first, second):
        with pytest.raises(Overloaded):
            await adding
    store.open.set()
    patient = store.commits()
    await patient.add(2)
    while store.written() != [0, 2]:
        await asyncio.sleep(0)
    # The first was with the database already, where nobody can take it back.
    assert sorted(store.written()) == [0, 2]
