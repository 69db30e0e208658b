"""SQL in the wrong place is found."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import check_sql  # noqa: E402 - found through the line above

RULES = check_sql.Rules(
    {
        "settings": 0,
        "engine": 0,
        "broadcasts": 1,
        "records": 2,
        "chats": 3,
        "consents": 3,
        "kit": 4,
    },
    {
        "broadcasts_broadcast": "broadcasts",
        "broadcasts_broadcast_channels": "broadcasts",
        "chats_chat": "chats",
        "engine_worker": "engine",
        "records_delivery": "records",
        "records_tally": "records",
    },
)


def problems(name: str, source: str) -> list[str]:
    if source.startswith(('"', 'f"')):
        source = f"x = {source}"  # by itself it would be a docstring
    return list(RULES.problems(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("records/rows.py", '"SELECT title FROM broadcasts_broadcast"'),
        ("records/rows.py", 'f"SELECT {x} FROM a JOIN broadcasts_broadcast b"'),
        ("records/rows.py", '"SELECT 1 FROM broadcasts_broadcast_channels"'),
        ("consents/grants.py", '"SELECT 1 FROM chats_chat"'),
        ("kit/db/estimates.py", '"ANALYZE records_delivery"'),
    ],
)
def test_a_table_above_or_beside_is_named(name: str, source: str) -> None:
    package = name.partition("/")[0]
    (problem,) = problems(name, source)
    assert problem.startswith(f"1: {package} may not name ")


@pytest.mark.parametrize(
    "statement",
    [
        '"UPDATE broadcasts_broadcast SET x = 1"',
        '"INSERT  INTO broadcasts_broadcast (x) VALUES (1)"',
        '"DELETE FROM broadcasts_broadcast"',
        'f"COPY broadcasts_broadcast ({names}) FROM STDIN"',
        '"UPDATE " "broadcasts_broadcast SET x = 1"',
        '"UPDATE " + "broadcasts_broadcast" + where',
        'execute("SELECT 1", f"{x} DELETE FROM broadcasts_broadcast")',
    ],
)
def test_a_table_of_another_package_is_written(statement: str) -> None:
    assert problems("engine/claim.py", statement) == [
        "1: broadcasts_broadcast is written in broadcasts/ alone"
    ]
    assert problems("broadcasts/control.py", statement) == []


@pytest.mark.parametrize(
    ("table", "writer"),
    [("records_delivery", "records/deliveries/"), ("records_tally", "records/tallies.py")],
)
def test_a_table_with_one_writer_is_written_elsewhere_in_its_package(
    table: str, writer: str
) -> None:
    statement = f'"UPDATE {table} SET x = 1"'

    assert problems("records/export.py", statement) == [f"1: {table} is written in {writer} alone"]
    assert problems(f"{writer.removesuffix('.py')}.py", statement) == []
    assert problems("records/migrations/0001_initial.py", statement) == []


@pytest.mark.parametrize(
    "call",
    [
        "Delivery.objects.create(state='queued')",
        "Delivery.objects.filter(pk=1).update(state='sent')",
        "D.objects.exclude(pk=1)[:5].delete()",
    ],
)
def test_the_orm_writes_a_table_of_another_package(call: str) -> None:
    imports = "from clarion.records.models import Delivery\n"
    imports += "from clarion.records.models import Delivery as D\n"

    assert problems("broadcasts/singles.py", imports + call) == [
        "3: records_delivery is written in records/deliveries/ alone"
    ]
    assert problems("records/deliveries/write.py", imports + call) == []


def test_the_orm_may_read() -> None:
    source = "from clarion.records.models import Delivery\nDelivery.objects.filter(pk=1).count()"
    assert problems("broadcasts/singles.py", source) == []


def test_a_bare_name_may_end_up_in_any_statement() -> None:
    assert problems("broadcasts/retention.py", 'take("records_delivery")') == [
        "1: the bare name of records_delivery says nothing of what becomes of it"
    ]
    assert problems("broadcasts/query.py", 'db.lateral_join("records_delivery", "d", "x")') == []
    assert problems("records/deliveries/write.py", 'copy("records_delivery")') == []
    assert problems("settings.py", 'x = {"LOCATION": "records_delivery"}') == []


@pytest.mark.parametrize(
    "source",
    ["if db.is_postgres(): x = 1", "x = is_postgres()", "x = connection.vendor == 'sqlite'"],
)
def test_the_database_is_asked_for_outside_of_its_helpers(source: str) -> None:
    (problem,) = problems("engine/claim.py", source)
    assert " is asked in kit/db/ alone" in problem
    assert problems("kit/db/matching.py", source) == []


def test_reading_downwards_and_docstrings_are_fine() -> None:
    source = (
        "def f():\n"
        '    """UPDATE broadcasts_broadcast SET x."""\n'
        '    return "SELECT 1 FROM records_delivery JOIN chats_chat c FOR UPDATE"\n'
    )
    assert problems("engine/claim.py", source) == []
    assert problems("records/rows.py", source.replace("broadcasts_", "x_")) == []


def test_layers_and_tables_are_read_from_the_project() -> None:
    depth = check_sql.layers(ROOT / "pyproject.toml")
    owner = check_sql.tables(ROOT / "src" / "clarion")

    assert depth["engine"] < depth["broadcasts"] < depth["records"] < depth["chats"]
    assert depth["chats"] == depth["consents"]
    assert owner["records_deliveryprogress"] == "records"
    assert owner["broadcasts_broadcast_channels"] == "broadcasts"
    assert set(check_sql.ONE_WRITER) <= set(owner)
    for writer in check_sql.ONE_WRITER.values():
        assert (ROOT / "src" / "clarion" / writer).exists()


def test_all_tables_of_the_database_are_known(db: None) -> None:
    from django.db import connection

    owner = check_sql.tables(ROOT / "src" / "clarion")
    ours = tuple(f"{package}_" for package in check_sql.layers(ROOT / "pyproject.toml"))
    tables = {name for name in connection.introspection.table_names() if name.startswith(ours)}

    assert tables <= set(owner)


def test_nothing_is_in_the_wrong_place() -> None:
    assert check_sql.main() == 0
