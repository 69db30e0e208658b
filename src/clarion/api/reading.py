"""The OpenAPI document as people read it: areas, operations, and one line for each field."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

Schema = Mapping[str, Any]
_REF = "#/components/schemas/"


def areas(document: Schema) -> list[dict[str, Any]]:
    """The operations by area, in the document's order."""
    listed: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            [tag] = operation["tags"]
            listed[tag].append(_operation(document, path, method, operation))
    return [{"name": tag, "operations": operations} for tag, operations in listed.items()]


def prose(text: str) -> SafeString:
    """A description of the document, which is Markdown, as HTML: names in backticks are code."""
    marked = re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text))
    return mark_safe(marked)  # noqa: S308 - escaped before the tags are added


def _operation(document: Schema, path: str, method: str, operation: Schema) -> dict[str, Any]:
    body = next(iter(operation.get("requestBody", {}).get("content", {}).items()), None)
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": prose(operation.get("description", "")),
        "scope": operation["x-scope"],
        "parameters": [
            {
                "name": parameter["name"],
                "place": parameter["in"],
                "required": parameter["required"],
                "type": type_of(parameter["schema"]),
                "description": prose(parameter.get("description", "")),
            }
            for parameter in operation["parameters"]
        ],
        "content_type": body[0] if body else "",
        "fields": list(_fields(document, body[1]["schema"])) if body else [],
        "answers": [
            {
                "status": status,
                "description": answer["description"],
                "fields": _answer_fields(document, answer) if int(status) < 300 else [],
            }
            for status, answer in sorted(operation["responses"].items())
        ],
    }


def _answer_fields(document: Schema, answer: Schema) -> list[dict[str, Any]]:
    content = answer.get("content", {}).get("application/json")
    return list(_fields(document, content["schema"])) if content else []


def _fields(document: Schema, schema: Schema, prefix: str = "", depth: int = 0) -> Iterator[Any]:
    """The fields of an object, those of inner objects as ``outer.inner``."""
    schema = _resolved(document, schema)
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        inner = _inner(document, field)
        yield {
            "name": prefix + name,
            "type": type_of(field),
            "required": name in required,
            "description": prose(field.get("description", "")),
        }
        if inner is not None and depth < 3:
            many = _list_of(field) is not None
            yield from _fields(document, inner, f"{prefix}{name}{'[]' if many else ''}.", depth + 1)


def _inner(document: Schema, field: Schema) -> Schema | None:
    """The object that a field has, or a list of them."""
    for option in (field, *field.get("anyOf", ())):
        item = _list_of(option) or option
        if "$ref" in item:
            schema = _resolved(document, item)
            return schema if "properties" in schema else None
    return None


def _list_of(field: Schema) -> Schema | None:
    items: Schema | None = field.get("items")
    return items


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
    return schema


def type_of(schema: Schema) -> str:
    """A type in few words: ``string or null``, ``list of integer``, ``one of: a, b``."""
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return "one of: " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return f"“{schema['const']}”"
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "any value"))
