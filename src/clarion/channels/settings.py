"""A channel's settings: from what people type to what is stored, and back to a form.

Everything comes from the kind's Config; nothing here knows any kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from clarion.channels.errors import SettingsError
from clarion.channels.groups import ADVANCED, COSTS
from clarion.channels.registry import kind_class
from clarion.kit.sentences import problems
from clarion.kit.urls import server_of

ENTER_AGAIN = "Enter it again: with this change it would be sent to another server."
FieldType = Literal["text", "long", "secret", "number", "switch", "choice"]


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One setting of a kind, for forms and docs. ``default`` is as a person would type it."""

    name: str
    label: str
    help: str
    required: bool
    secret: bool
    default: str
    choices: tuple[str, ...]
    type: FieldType
    receives: tuple[str, ...] = ()  # the secrets that go to the address that this one names
    made_up: bool = False  # left empty, one is made
    group: str = ""  # the title above it and its neighbours in the form, see ``channels.groups``
    labels: Mapping[str, str] = field(default_factory=dict)  # what choices are called, where not
    # as they are stored
    asks: str = ""  # what has to be confirmed before this switch is turned on

    def label_of(self, choice: str) -> str:
        """What a choice is called."""
        return self.labels.get(choice, choice)


def config_fields(kind: str) -> list[ConfigField]:
    """The settings of a kind, in the order of its form. Raises UnknownKind.

    First what the account needs, then the groups, and what is advanced at the end.
    """
    fields = [_field(name, info) for name, info in kind_class(kind).Config.model_fields.items()]
    groups = list(dict.fromkeys(each.group for each in fields))
    return sorted(
        fields,
        key=lambda each: (bool(each.group), each.group == ADVANCED, groups.index(each.group)),
    )


def cost_settings(kind: str) -> frozenset[str]:
    """The settings of a kind that only say what its messages cost. Raises UnknownKind."""
    return frozenset(field.name for field in config_fields(kind) if field.group == COSTS)


def questions(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What has to be confirmed before settings are stored in place of others; one sentence each."""
    return [
        field.asks
        for field in config_fields(kind)
        if field.asks and after.get(field.name) and not before.get(field.name)
    ]


def parse_settings(kind: str, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Settings as typed (``name=value``) in the form in which a channel stores them.

    An empty value counts as left out. Raises SettingsError with a sentence per wrong setting,
    UnknownKind for a kind that does not exist.
    """
    config = kind_class(kind).Config
    values = {name: value.strip() for name, value in pairs.items() if value.strip()}
    try:
        return stored(config.model_validate(values))
    except ValidationError as error:
        unknown = f"There is no such setting. Use one of: {', '.join(config.model_fields)}."
        wrong: dict[str, str] = {}
        for problem in problems(error, types={"extra_forbidden": unknown}):
            wrong.setdefault(".".join(problem.path), problem.sentence)
        raise SettingsError(wrong) from None


def stored(config: BaseModel) -> dict[str, Any]:
    """The settings as JSON can hold them; secrets in the clear, for they are sealed as a whole."""
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in config
    }


def merge_settings(kind: str, old: Mapping[str, Any], pairs: Mapping[str, str]) -> dict[str, Any]:
    """``old`` with what was typed: a secret left empty and a name left out keep their value.

    Any other setting left empty goes back to its default. A secret is not kept when the address
    that it is sent to becomes another one: else whoever may change the address could read it there.
    One that can be made is made anew, any other must be typed again. Raises like parse_settings.
    """
    fields = config_fields(kind)
    kept = {
        field.name: _typed(old[field.name])
        for field in fields
        if field.name in old
        and (field.name not in pairs or (field.secret and not pairs[field.name].strip()))
    }
    new = parse_settings(kind, {**pairs, **kept})
    moved = {
        name
        for field in fields
        if server_of(new[field.name]) != server_of(old.get(field.name, field.default))
        for name in field.receives
        if kept.get(name)
    }
    if not moved:
        return new
    if wrong := {f.name: ENTER_AGAIN for f in fields if f.name in moved and not f.made_up}:
        raise SettingsError(wrong)
    return parse_settings(
        kind, {**pairs, **{name: value for name, value in kept.items() if name not in moved}}
    )


def shown(kind: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Stored settings as a form shows them, secrets left out."""
    return {
        field.name: _typed(config[field.name])
        for field in config_fields(kind)
        if field.name in config and not field.secret
    }


def _typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field(name: str, info: FieldInfo) -> ConfigField:
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    types: dict[Any, FieldType] = {SecretStr: "secret", int: "number", bool: "switch"}
    type_: FieldType = "choice" if choices else types.get(info.annotation, "text")
    secret = type_ == "secret"
    extra = info.json_schema_extra
    if isinstance(extra, dict) and extra.get("long"):
        type_ = "long"
    receives = extra.get("receives", []) if isinstance(extra, dict) else []
    plain = not secret and info.default is not PydanticUndefined
    return ConfigField(
        name=name,
        label=info.title or name,
        help=info.description or "",
        required=info.is_required(),
        secret=secret,
        default=_typed(info.default) if plain else "",
        choices=tuple(map(str, choices)),
        type=type_,
        receives=tuple(map(str, receives)) if isinstance(receives, list) else (),
        made_up=info.default_factory is not None,
        group=str(extra.get("group", "")) if isinstance(extra, dict) else "",
        labels=_labels(extra),
        asks=str(extra.get("asks", "")) if isinstance(extra, dict) else "",
    )


def _labels(extra: object) -> dict[str, str]:
    labels = extra.get("labels") if isinstance(extra, dict) else None
    return {str(value): str(words) for value, words in labels.items()} if labels else {}
