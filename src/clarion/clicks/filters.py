"""What one may ask of the clicks and opens. The questions live in the address of a page."""

from typing import Literal

from clarion.records.filters import FilterText, HistoryFilter, Id


class ClickFilter(HistoryFilter):
    """Conditions that a click must all meet."""

    NOUN = "Clicks"

    event: Literal["", "open"] = ""  # e-mails that were opened, in the place of clicks
    link: Id | None = None  # the id of the link
    url: FilterText = ""  # a part of its target
    clicked_by: Literal["", "person", "scanner"] = ""
    # The first one of each recipient in each broadcast; on that link, where one is given.
    first: Literal["", "yes"] = ""
