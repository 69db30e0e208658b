"""Conditions on a person's attributes and tags, as triggers have them (C4)."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from clarion.kit.text import one_line

LONGEST_NAME = 100  # characters, of an attribute or a tag
LONGEST_VALUE = 400
INCOMPLETE = "Complete each condition: choose an attribute or a tag, and fill in the value."
_OF_TAGS = {"has", "has_not"}
_WITH_VALUE = {"equals", "not", "contains"}


class Condition(BaseModel):
    """Something that has to hold for a person.

    Values are compared as texts, upper and lower case alike; of a list each item is compared.
    """

    model_config = ConfigDict(extra="forbid")

    attribute: str = Field("", max_length=LONGEST_NAME)
    tag: str = Field("", max_length=LONGEST_NAME)
    what: Literal["equals", "not", "contains", "set", "unset", "has", "has_not"] = Field(alias="is")
    value: str = ""

    @field_validator("attribute", "tag", mode="after")
    @classmethod
    def _name(cls, name: str) -> str:
        return one_line(name)

    @field_validator("value", mode="before")
    @classmethod
    def _value(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return str(value).lower()
        return one_line(str(value)) if isinstance(value, str | int | float) else value

    @model_validator(mode="after")
    def _complete(self) -> "Condition":
        named, other = (self.tag, self.attribute)[:: 1 if self.what in _OF_TAGS else -1]
        if other or not named:
            raise ValueError(INCOMPLETE)
        if self.what in _WITH_VALUE and not 0 < len(text(self.value)) <= LONGEST_VALUE:
            raise ValueError(f"Give a short value to compare “{self.attribute}” with.")
        return self

    def holds(self, attributes: Mapping[str, Any], tags: Collection[str]) -> bool:
        """Whether it holds for a person with these attributes and tags (names of those)."""
        if self.tag:
            return (self.tag in tags) == (self.what == "has")
        value = attributes.get(self.attribute)
        if self.what in {"set", "unset"}:
            return (value not in (None, "", [], {})) == (self.what == "set")
        wanted = text(self.value)
        if self.what == "contains":
            if isinstance(value, list):
                return any(text(item) == wanted for item in value)
            return wanted in text(value)
        return _is(value, wanted) == (self.what == "equals")

    def words(self) -> str:
        """For people: “city is Berlin”."""
        fill = {"name": self.tag or self.attribute, "value": self.value}
        return {
            "equals": _("%(name)s is “%(value)s”"),
            "not": _("%(name)s is not “%(value)s”"),
            "contains": _("%(name)s contains “%(value)s”"),
            "set": _("%(name)s is known"),
            "unset": _("%(name)s is not known"),
            "has": _("they have the tag “%(name)s”"),
            "has_not": _("they do not have the tag “%(name)s”"),
        }[self.what] % fill


def _is(value: Any, wanted: str) -> bool:
    """Whether a value is what a condition names: a list by an item, yes and no in either word."""
    if isinstance(value, list):
        return any(text(item) == wanted for item in value)
    if isinstance(value, bool) and wanted in {"yes", "no"}:
        return value == (wanted == "yes")
    return text(value) == wanted


def text(value: Any) -> str:
    """A value as it is compared."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip().casefold()
