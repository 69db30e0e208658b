"""What the providers of channels charge, by calling code and category."""

from pydantic import Field

from clarion.api.answers import Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Output
from clarion.channels import price_lists
from clarion.channels.models import Channel
from clarion.channels.prices import LONGEST_CODE, MOST_PRICES, OTHERS

AREA = "Channels"
_CODE = f"The first digits of phone numbers, or {OTHERS} for all others"
_CATEGORY = "Such as marketing; empty for every category"
_PRICE = "An exact decimal, of one message or SMS"


class PriceIn(Input):
    """The price of one message to some numbers."""

    calling_code: str = Field(min_length=1, max_length=LONGEST_CODE + 1, description=_CODE)
    category: str = Field("", max_length=40, description=_CATEGORY)
    price: str = Field(max_length=20, description=_PRICE)


class PricesIn(Input):
    """All prices of a channel. Its currency is one of its settings."""

    items: list[PriceIn] = Field(max_length=MOST_PRICES)


class PriceOut(Output):
    """The price of one message to some numbers."""

    calling_code: str = Field(description=_CODE)
    category: str = Field(description=_CATEGORY)
    price: str = Field(description=_PRICE)


class PricesOut(Output):
    """All prices of a channel."""

    currency: str = Field(description="Empty where costs are not shown")
    items: list[PriceOut]


@operation(
    AREA, "GET", "/channels/{channel_id}/prices", PricesOut, Rules("channels:read", tagged=True)
)
def list_prices(request: ApiRequest, channel_id: Id) -> PricesOut:
    """List the prices of a channel whose provider charges by message"""
    return _out(get(Channel.objects.all(), channel_id, "channel"))


@operation(
    AREA, "PUT", "/channels/{channel_id}/prices", PricesOut,
    Rules("channels:write", edits=True, tagged=True, body=JSON),
)  # fmt: skip
def set_prices(request: ApiRequest, channel_id: Id, body: PricesIn) -> PricesOut:
    """Replace the prices of a channel"""
    channel = lock(Channel.objects.all(), channel_id, "channel")
    require_match(request, _out(channel))
    rows = ((item.calling_code, item.category, item.price) for item in body.items)
    price_lists.set_prices(channel, rows, by=request.by)
    return _out(channel)


def _out(channel: Channel) -> PricesOut:
    table = price_lists.table_of(channel)
    items = [
        PriceOut(
            calling_code=price_lists.shown_code(row), category=row.category, price=f"{row.price:f}"
        )
        for row in table.rows
    ]
    return PricesOut(currency=table.currency, items=items)
