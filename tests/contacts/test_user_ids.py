"""The column of user ids in a file, by its titles."""

import pytest

from channels.cases import CASES
from clarion.contacts.user_ids import find_column, looks_like_data


@pytest.mark.parametrize(
    ("kind", "titles", "column"),
    [
        pytest.param(case.kind, titles.split(","), column, id=f"{case.kind}: {titles}")
        for case in CASES.values()
        for titles, column in case.id_columns.items()
    ],
)
def test_finds_the_column_by_its_title(kind: str, titles: list[str], column: str) -> None:
    assert find_column(titles, kind) == column


@pytest.mark.parametrize(
    "title", ["E-mail Address", "Email address", "E-Mail-Address", "e_mail", "eMail"]
)
def test_titles_are_compared_without_their_signs(title: str) -> None:
    assert find_column(["name", title], "email") == title


@pytest.mark.parametrize("kind", CASES)
def test_the_only_column_needs_no_title(kind: str) -> None:
    assert find_column(["anything"], kind) == "anything"
    assert find_column(["colour", "size"], kind) is None


@pytest.mark.parametrize("title", ["4915112345678", "+4915112345678", "anna@example.org", "-100"])
def test_a_user_id_is_no_title(title: str) -> None:
    assert looks_like_data(title)


@pytest.mark.parametrize("title", ["id", "e-mail", "a1", "12"])
def test_a_title_is_no_user_id(title: str) -> None:
    assert not looks_like_data(title)
