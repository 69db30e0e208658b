"""What a broadcast costs, as the API shows it."""

from pydantic import Field

from clarion.api.types import Id, Output
from clarion.broadcasts.costs import Cost


class CostGroupOut(Output):
    """Recipients whose messages cost the same."""

    calling_code: str = Field(
        description="The digits that decided; empty for all others, or an unknown country"
    )
    contacts: int
    price: str | None = Field(description="Of one unit, an exact decimal; null: it is not known")
    free: bool = Field(description="They wrote lately, and nothing is charged then")


class CostOut(Output):
    """What one channel's messages take, and cost as far as that is known."""

    channel_id: Id
    contacts: int
    units: int = Field(description="Of all contacts together, such as SMS")
    unit: str = Field(description="What they are called")
    units_each: int | None = Field(description="Of one contact; null where they differ")
    detail: str = Field(description="How the units of one contact come about")
    price: str | None = Field(description="An exact decimal; null where the channel has no price")
    currency: str
    category: str = Field(description="What the messages are charged as, such as marketing")
    groups: list[CostGroupOut] = Field(
        description="The recipients by calling code, those without a price as well"
    )
    estimated: bool = Field(description="From the messages of some contacts")


def cost_out(cost: Cost) -> CostOut:
    """A cost in the form of the API."""
    return CostOut(
        channel_id=cost.channel.pk,
        contacts=cost.people,
        units=cost.units,
        unit=cost.unit[1],
        units_each=cost.each,
        detail=cost.detail,
        price=None if cost.price is None else f"{cost.price:f}",
        currency=cost.currency,
        category=cost.category,
        groups=[
            CostGroupOut(
                calling_code=group.code,
                contacts=group.people,
                price=None if group.price is None else f"{group.price:f}",
                free=group.free,
            )
            for group in cost.groups
        ],
        estimated=cost.about,
    )
