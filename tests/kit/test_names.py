"""Names in sentences."""

import pytest

from clarion.kit.names import NAMED, no_such, some

MANY = [f"n{number}" for number in range(NAMED + 1)]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a"], "a."),
        (["a", "b"], "a, b."),
        (MANY[:NAMED], ", ".join(MANY[:NAMED]) + "."),
        (MANY, ", ".join(MANY[:NAMED]) + " …"),
    ],
)
def test_some_of_many_names_stand_for_all(names: list[str], sentence: str) -> None:
    assert some(names, end=".") == sentence


def test_a_name_that_does_not_exist() -> None:
    assert no_such("tag", "vpi", ["vip", "new"]) == (
        "There is no tag called “vpi”. Choose one of: vip, new."
    )
    assert no_such("tag", "x" * 50, []) == f"There is no tag called “{'x' * 39}…”. Add one first."
    endless = (f"n{number}" for number in iter(int, 1))
    assert no_such("tag", "vpi", endless).endswith(" …")
