"""Validating against LINE's published OpenAPI document, of which an excerpt lies beside this.

Only what that excerpt uses is understood; anything else in it is an error.
"""

import json
from pathlib import Path
from typing import Any

SCHEMAS: dict[str, Any] = json.loads(
    Path(__file__).with_name("line_openapi.json").read_text("utf-8")
)["components"]["schemas"]
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}
_KNOWN = {
    "type", "properties", "required", "items", "allOf", "$ref", "discriminator", "enum", "default",
    "maxItems", "minItems", "maxLength", "minLength", "pattern", "format",
}  # fmt: skip


def problems(value: Any, name: str, where: str = "") -> list[str]:
    """What is wrong with a value of the schema with this name; nothing for a good one.

    A field that the schema does not know is wrong too.
    """
    properties, required, schema = _merged(SCHEMAS[name])
    if (mapping := schema.get("discriminator", {}).get("mapping")) is not None:
        subtype = mapping.get(value.get("type"))
        if subtype is None:
            return [f"{where}: type {value.get('type')} is unknown"]
        if (target := subtype.rsplit("/", 1)[1]) != name:
            own, also, _ = _merged(SCHEMAS[target])
            properties, required = properties | own, required | also
    return _of_object(value, properties, required, where or name)


def _merged(schema: dict[str, Any]) -> tuple[dict[str, Any], set[str], dict[str, Any]]:
    """The properties and required names of a schema with its parts, but for their discriminator."""
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        inner = SCHEMAS[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
        own, also, _ = _merged(inner)
        properties, required = own | properties, required | also
    return properties, required, schema


def _of_object(value: Any, properties: dict[str, Any], required: set[str], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: no object"]
    wrong = [f"{where}: {name} is missing" for name in sorted(required - set(value))]
    wrong += [f"{where}: {name} is unknown" for name in sorted(set(value) - set(properties))]
    for name, inner in value.items():
        if name in properties:
            wrong += _of_value(inner, properties[name], f"{where}.{name}")
    return wrong


def _of_value(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if "properties" in SCHEMAS[name] or "allOf" in SCHEMAS[name]:
            return problems(value, name, where)
        return _of_value(value, SCHEMAS[name], where)
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    if not isinstance(value, _TYPES[schema["type"]]):
        return [f"{where}: not of type {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value} is not allowed"]
    wrong = []
    if isinstance(value, str | list):
        least = schema.get("minItems", schema.get("minLength", 0))
        most = schema.get("maxItems", schema.get("maxLength", len(value)))
        if not least <= len(value) <= most:
            wrong.append(f"{where}: a length of {len(value)}")
    if isinstance(value, list):
        for number, inner in enumerate(value):
            wrong += _of_value(inner, schema["items"], f"{where}[{number}]")
    if schema["type"] == "object":
        wrong += _of_object(
            value, schema.get("properties", {}), set(schema.get("required", ())), where
        )
    return wrong
