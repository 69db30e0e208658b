"""What makes a value plain text within a formatted one, wherever it is shown."""

import re
from collections.abc import Callable, Mapping
from html import escape
from types import MappingProxyType
from typing import Final

# “Any character with code between 1 and 126 inclusively can be escaped anywhere”, also in code and
# in URLs; these are the ones that have a meaning.
_SPECIAL = re.compile(r"([_*\[\]()~`>#+\-=|{}.!\\])")
# It is dropped by the platform. Without it an empty value would let its neighbours join: “_” and
# “_” around it would begin an underline.
NOTHING: Final = "\r"


def escape_markdown_v2(value: str) -> str:
    """The value as plain text in MarkdownV2."""
    return _SPECIAL.sub(r"\\\1", value) if value else NOTHING


ESCAPES: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {"chat_html": escape, "markdownv2": escape_markdown_v2}
)
