"""What a provider says of a template."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ListedTemplate:
    """A message in the provider's list of those that it has been asked to approve."""

    name: str
    language: str
    status: str  # the provider's word in lower case; ``approved`` may be sent
    category: str = ""  # the provider's word in lower case
    quality: str = ""  # the provider's word in lower case, empty where it has none
    components: tuple[Mapping[str, Any], ...] = ()  # see templates.parts
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class TemplateChanged:
    """The provider changed what it lists of a template; what is None stays as it was."""

    name: str
    language: str
    status: str | None = None
    category: str | None = None
    quality: str | None = None
