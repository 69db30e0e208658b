"""What one may ask of the clicks. The questions live in the address of a page."""

from typing import Literal

from clarion.records.filters import FilterText, HistoryFilter, Id


class ClickFilter(HistoryFilter):
    """Conditions that a click must all meet."""

    NOUN = "Clicks"

    link: Id | None = None  # the id of the link
    url: FilterText = ""  # a part of its target
    clicked_by: Literal["", "person", "scanner"] = ""
    # The first click of each recipient in each broadcast; on that link, where one is given.
    first: Literal["", "yes"] = ""
