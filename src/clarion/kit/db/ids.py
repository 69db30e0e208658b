"""Batches of whole numbers as one parameter: in half of the time that ``db.json_table`` takes."""

import json
from collections.abc import Mapping, Sequence

from clarion.kit import db


def json_pairs(alias: str = "v") -> str:
    """SQL that reads one parameter, ``pairs_param``, as a table of ``key`` and ``value``."""
    if db.is_postgres():
        each = "jsonb_each_text(%s::jsonb)"
        return f"(SELECT key::bigint AS key, value::bigint AS value FROM {each}) AS {alias}"
    return f"(SELECT CAST(key AS integer) AS key, value FROM json_each(%s)) AS {alias}"


def pairs_param(pairs: Mapping[int, int]) -> str:
    """The parameter for ``json_pairs``."""
    return json.dumps(pairs, separators=(",", ":"))


def in_ids() -> str:
    """A condition: to be one of the whole numbers in one parameter, ``ids_param``.

    As ``db.in_list``, each is looked up by its index.
    """
    if db.is_postgres():
        return db.in_subquery("SELECT e::bigint FROM jsonb_array_elements_text(%s::jsonb) AS e")
    return "IN (SELECT value FROM json_each(%s))"


def ids_param(values: Sequence[int]) -> str:
    """The parameter for ``in_ids``."""
    return json.dumps(values, separators=(",", ":"))
