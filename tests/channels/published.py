"""What providers have published of their requests and callbacks, beside the fixtures of a kind.

``channels/<kind>/published.json`` is an excerpt of schemas: it names its sources, their licence and
what was changed. A field that is not in it is wrong, so an excerpt has all that the kind sends.
``channels/<kind>/published.py`` says how the kind's requests are read for it, as PUBLISHED.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema_rs

from clarion.channels.contract import Event, HookRequest
from clarion.transport.messages import HttpRequest

Parts = list[tuple[str, Any]]  # values, each with the name of the definition that it must follow


@dataclass(frozen=True)
class Documented:
    """An example of a callback in the provider's documentation, with the ids that are used here."""

    source: str  # the page that has it
    hook: HookRequest
    events: tuple[Event, ...]  # what it reports


@dataclass(frozen=True)
class Published:
    """How requests and callbacks of a kind are compared with what its provider has published."""

    kind: str
    request: Callable[[HttpRequest], Parts]
    documented: tuple[Documented, ...]
    callback: Callable[[HookRequest], Parts] | None = None


@cache
def excerpt_of(kind: str) -> dict[str, Any]:
    """The content of a kind's published.json."""
    path = Path(__file__).parent / kind / "published.json"
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def all_published() -> dict[str, Published]:
    """Those of all kinds that have an excerpt, by kind."""
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/published.json"))
    return {name: import_module(f"channels.{name}.published").PUBLISHED for name in folders}


def problems(published: Published, parts: Parts) -> list[str]:
    """What is wrong with these values by the definitions that are named beside them."""
    assert parts, "There is nothing to compare."
    return [
        f"{name}{''.join(f'.{step}' for step in error.instance_path)}: {error.message}"
        for name, value in parts
        for error in _validator(published.kind, name).iter_errors(value)
    ]


@cache
def _validator(kind: str, name: str) -> Any:
    definitions = excerpt_of(kind)["definitions"]
    assert name in definitions
    whole = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    return jsonschema_rs.validator_for(whole, validate_formats=True)
