"""The words of a page as a person reads them, whatever the markup around them."""

import html
import re


def words(page: str) -> str:
    """The text of some HTML: no tags, entities resolved, runs of white space as one space."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())
