"""Filling pools: by pattern and from files, across crashes and beside other workers."""

from pathlib import Path

import pytest

from clarion.codes import batches, pools, stock
from clarion.codes.errors import CodeError
from clarion.codes.models import Code, CodeBatch, CodePool
from clarion.contacts import uploads
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


def pool(pattern: str = "SPRING-####-????", **rules: object) -> CodePool:
    made = pools.Rules(name="Spring", pattern=pattern, **rules)  # type: ignore[arg-type]
    return pools.create(made, by=BY)


def order(into: CodePool, text: str, column: str | None = None) -> CodeBatch:
    token = uploads.keep([text.encode()])
    return batches.order_import(into, token, filename="codes.csv", column=column, by=BY)


class TestGenerating:
    def test_exactly_as_many_as_ordered_and_no_two_alike(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batches, "CHUNK", 100)
        spring = pool()
        batch = batches.order_codes(spring, 250, by=BY)
        told: list[int] = []
        assert batches.carry_out(batch, lambda row: told.append(row.created))
        assert told == [100, 200, 250]
        assert Code.objects.filter(pool=spring).count() == 250
        spring.refresh_from_db()
        batch.refresh_from_db()
        assert (spring.total, batch.created, batch.state) == (250, 250, "done")

    def test_what_is_drawn_twice_is_drawn_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = iter([["A", "A", "B"], ["B"], ["C"]])
        monkeypatch.setattr("clarion.codes.patterns.Pattern.codes", lambda self, count: next(drawn))
        batch = batches.order_codes(pool(), 3, by=BY)
        assert batches.carry_out(batch)
        assert set(Code.objects.values_list("code", flat=True)) == {"A", "B", "C"}

    def test_it_continues_where_it_broke_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batches, "CHUNK", 10)
        batch = batches.order_codes(pool(), 30, by=BY)
        assert not batches.carry_out(batch, stopping=lambda: True)
        assert Code.objects.count() == 10
        assert batches.run_next()
        assert Code.objects.count() == 30
        assert not batches.run_next()

    def test_a_second_process_leaves_it_to_the_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batches, "CHUNK", 10)
        batch = batches.order_codes(pool(), 20, by=BY)
        late = CodeBatch.objects.select_related("pool").get(pk=batch.pk)
        assert batches.carry_out(batch)
        assert not batches.carry_out(late)
        assert Code.objects.count() == 20

    def test_a_pattern_that_cannot_hold_the_count_is_refused_before(self) -> None:
        spring = pool("A-##??")
        with pytest.raises(CodeError, match="Add"):
            batches.order_codes(spring, 1_000, by=BY)
        assert not CodeBatch.objects.exists()

    def test_a_low_pool_is_topped_up_once(self) -> None:
        spring = pool(low_at=5, top_up=20)
        assert stock.low_pools() == [spring]
        assert stock.top_up_low() == 1
        assert stock.top_up_low() == 0  # the order waits
        assert batches.run_next()
        assert stock.top_up_low() == 0
        assert stock.numbers([CodePool.objects.get()])[spring.pk].free == 20
        assert stock.low_pools() == []


class TestImporting:
    def test_every_line_is_accounted_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batches, "CHUNK", 3)
        old = pool()
        batches.carry_out(order(old, "code\nTAKEN\n"))
        new = pools.create(pools.Rules(name="Summer"), by=BY)
        text = f"name,code\na,ONE\nb,\nc,ONE\nd,TAKEN\ne,{'x' * 65}\nf,TWO\ng,ONE\n"
        batch = order(new, text)
        assert batches.carry_out(batch)
        batch.refresh_from_db()
        assert batch.state == "done", batch.error
        assert (batch.lines, batch.created, batch.repeated, batch.rejected) == (7, 2, 3, 2)
        new.refresh_from_db()
        assert new.total == 2
        rejects = batches.rejects_file(batch)
        assert rejects is not None
        lines = rejects.read_text().splitlines()
        assert [line.split(",")[0] for line in lines] == ["line", "3", "4", "5", "6", "8"]
        assert lines[2] == "4,ONE,same code as line 2"

    def test_a_crash_between_file_and_commit_lists_no_line_twice(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batches, "CHUNK", 2)
        batch = order(pool(), "code\nA\n\t\nB\nA\nC\nB\n")
        commit = batches._count
        calls = iter([False, True])

        def crash(*args: object, **counts: int) -> None:
            if next(calls, False):
                raise RuntimeError("killed")
            commit(*args, **counts)  # type: ignore[arg-type]

        monkeypatch.setattr(batches, "_count", crash)
        with pytest.raises(RuntimeError):
            batches.carry_out(batch)
        monkeypatch.setattr(batches, "_count", commit)
        assert batches.run_next()
        batch.refresh_from_db()
        assert batch.lines == batch.created + batch.repeated + batch.rejected
        rejects = batches.rejects_file(batch)
        assert rejects is not None
        assert len(rejects.read_text().splitlines()) == 1 + batch.repeated + batch.rejected

    @pytest.mark.parametrize(
        ("text", "column", "problem"),
        [
            ("a,b\n1,2\n", None, "Choose the column"),
            ("a,b\n1,2\n", "c", "Choose the column"),
            ("", None, "empty"),
        ],
    )
    def test_what_can_be_said_at_once(self, text: str, column: str | None, problem: str) -> None:
        with pytest.raises(CodeError, match=problem):
            order(pool(), text, column)

    def test_a_header_and_nothing_below_it(self) -> None:
        batch = order(pool(), "code\n")
        assert batches.carry_out(batch)
        batch.refresh_from_db()
        assert (batch.state, "nothing below" in batch.error) == ("failed", True)

    def test_an_upload_that_is_gone(self, tmp_path: Path) -> None:
        batch = order(pool(), "code\nA\n")
        uploads.drop(batch.upload)
        assert batches.run_next()
        batch.refresh_from_db()
        assert batch.state == "failed"
