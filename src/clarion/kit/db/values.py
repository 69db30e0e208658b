"""Comparing what stands in a JSON column as a text, as a number or a date, on both databases."""

from collections.abc import Callable, Sequence

from clarion.kit.db import is_postgres


def is_number(text: str) -> str:
    """SQL for "this text is a number", such as 30, -1.5 or +2; ``text`` occurs several times."""
    if is_postgres():
        return f"{text} ~ '^[-+]?[0-9]{{1,15}}([.][0-9]{{1,15}})?$'"
    return (
        f"{text} NOT GLOB '*[^-+.0-9]*' AND {text} GLOB '*[0-9]' AND {text} NOT GLOB '?*[-+]*' "
        f"AND {text} NOT GLOB '*.*.*' AND {text} NOT GLOB '.*' AND {text} NOT GLOB '[-+].*'"
    )


def is_date(text: str) -> str:
    """SQL for "this text begins with a date" such as 2026-11-30: such texts sort by time."""
    digit = "[0-9]"
    if is_postgres():
        return f"{text} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'"
    return f"{text} GLOB '{digit * 4}-{digit * 2}-{digit * 2}*'"


def as_text(column: str) -> str:
    """A JSON column as its text."""
    return f"{column}::text" if is_postgres() else column


def one_value(expression: str) -> str:
    """SQL that reads an expression as a table “v” of one row with the column ``one``.

    The LIMIT keeps SQLite from working the expression out again wherever ``one`` is named.
    """
    return f"(SELECT {expression} AS one LIMIT 1) v"


def compare(
    expression: str,
    params: Sequence[object],
    sign: str,
    wanted: float | str,
    *,
    is_kind: Callable[[str], str],
    cast: bool = False,
) -> tuple[str, list[object]]:
    """SQL and its parameters for "the expression, with its own ``params``, compares so".

    Only where ``is_kind`` (``is_number``, ``is_date``) holds; with ``cast``, as a number, else by
    the day that it begins with.
    """
    if is_postgres():
        read = "v.one::double precision" if cast else _day("v.one")
        sql = f"CASE WHEN {is_kind('v.one')} THEN {read} {sign} %s ELSE FALSE END"
        return f"EXISTS (SELECT 1 FROM {one_value(expression)} WHERE {sql})", [*params, wanted]
    # What SQLite makes a number of another text does no harm: few are left for the second look.
    read = f"CAST({expression} AS REAL)" if cast else _day(expression)
    kind = f"EXISTS (SELECT 1 FROM {one_value(expression)} WHERE {is_kind('v.one')})"
    return f"({read} {sign} %s AND {kind})", [*params, wanted, *params]


def _day(text: str) -> str:
    return f"substr({text}, 1, 10)"


def is_truth(column: str, path: Sequence[str], *, wanted: bool) -> tuple[str, list[object]]:
    """SQL and its parameters for "the JSON column has true, or false, at this path of keys"."""
    word = "true" if wanted else "false"
    if is_postgres():
        return f"COALESCE({column} #> %s = '{word}'::jsonb, FALSE)", [list(path)]
    keys = "".join('."' + key.replace('"', "") + '"' for key in path)
    return f"COALESCE(json_type({column}, %s) = '{word}', FALSE)", [f"${keys}"]


def items(column: str, path: Sequence[str]) -> tuple[str, list[object]]:
    """SQL, and its parameters, for a table “v” with the column ``one``: the items of the list that
    a JSON column has at this path of keys; none where that is no list."""
    if is_postgres():
        there = f"{column} #> %s"
        read = f"CASE WHEN jsonb_typeof({there}) = 'array' THEN {there} END"
        return f"jsonb_array_elements_text({read}) AS v(one)", [list(path), list(path)]
    keys = "$" + "".join('."' + key.replace('"', "") + '"' for key in path)
    # The path in the call of json_each: one that has no list yields the value itself.
    is_list = f"json_type({column}, %s) = 'array'"
    return f"(SELECT value AS one FROM json_each({column}, %s) WHERE {is_list}) v", [keys, keys]


def keys_of(column: str) -> str:
    """SQL that reads the keys of an object as a table “e” with the column ``key``."""
    if is_postgres():
        return f"jsonb_object_keys({column}) AS e(key)"
    return f"json_each({column}) AS e"


def mentions(column: str, text: str) -> tuple[str, list[str]]:
    """What a JSON column must fulfil to hold this text somewhere, ignoring case, and parameters.

    SQLite is much quicker with it than with reading the JSON of every row. It is always true where
    the text may be written in several ways, and on PostgreSQL, which reads JSON faster than this.
    """
    if is_postgres() or not text.isascii() or not text.replace(" ", "").isalnum():
        return "1 = 1", []
    return f"{column} LIKE %s", [f"%{text}%"]
