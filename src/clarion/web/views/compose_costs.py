"""What the page of a draft shows of its costs."""

from typing import Any

from clarion.broadcasts.costs import cost_of, costs
from clarion.broadcasts.models import Broadcast
from clarion.contacts.models import Address
from clarion.web.forms.compose import Composition
from clarion.web.views.compose_parts import Counted


def cost_context(
    draft: Broadcast | None, composition: Composition, counted: Counted, address: Address | None
) -> dict[str, Any]:
    """What all messages cost, and the one in the preview; nothing before there is a draft.

    ``address``: the recipient of the preview.
    """
    if draft is None:
        return {"costs": [], "message_cost": None}
    broadcast, channels = composition.unsaved(draft), composition.channels
    on = [address.channel] if address is not None else channels
    shown = (cost for channel in on if (cost := cost_of(broadcast, channel, address)) is not None)
    return {
        "costs": costs(broadcast, channels, counted.by_channel, about=counted.about),
        "message_cost": next(shown, None),
    }
