"""The examples in docs/, for the tests that carry them out."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Curl:
    """One documented call of curl."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


def page(name: str) -> str:
    """The text of docs/NAME.md."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def fences(text: str, language: str = "json") -> list[str]:
    """What is between ```language and ```, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def objects(text: str) -> list[Any]:
    """The JSON objects of the indented blocks of a page, in its order.

    Whatever is before and after an object in its block (an HTTP head, a status) is passed over.
    """
    documents = []
    for block in re.findall(r"(?:^ {4,}\S.*\n)+", text, re.MULTILINE):
        start = re.search(r"^ {4}(?:\d{3} )?(\{\")", block, re.MULTILINE)
        if start:
            documents.append(json.JSONDecoder().raw_decode(block, start.start(1))[0])
    return documents


def members(text: str) -> dict[str, Any]:
    """The members of the indented lines of a page that begin with a name: `"media": {…}`."""
    lines = re.findall(r"^ {4}(\"\w+\": [\[{].*\n(?: {5,}.*\n)*)", text, re.MULTILINE)
    return {name: value for line in lines for name, value in json.loads(f"{{{line}}}").items()}


def curls(text: str) -> list[Curl]:
    """The calls of curl in the indented blocks of a page."""
    commands = re.findall(r"^ {4}(curl (?:.*\\\n)*.*)$", text, re.MULTILINE)
    return [_curl(shlex.split(command.replace("\\\n", " "))) for command in commands]


def like(documented: Any, real: Any) -> bool:
    """Whether the real value is the documented one: the same members, items and values.

    “…” in a documented text is any text.
    """
    if isinstance(documented, dict):
        return (
            isinstance(real, dict)
            and documented.keys() == real.keys()
            and all(like(value, real[name]) for name, value in documented.items())
        )
    if isinstance(documented, list):
        return (
            isinstance(real, list)
            and len(documented) == len(real)
            and all(map(like, documented, real))
        )
    if isinstance(documented, str) and "…" in documented:
        pattern = ".*".join(map(re.escape, documented.split("…")))
        return isinstance(real, str) and bool(re.fullmatch(pattern, real, re.DOTALL))
    return type(documented) is type(real) and bool(documented == real)


def _curl(words: list[str]) -> Curl:
    method, url, headers, body = "", "", {}, ""
    rest = iter(words[1:])
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        elif word == ">":
            next(rest)
        else:
            url = word
    return Curl(method or ("POST" if body else "GET"), url, headers, body)
