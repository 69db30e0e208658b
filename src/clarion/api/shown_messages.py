"""A send to one contact, as it was accepted."""

from pydantic import Field

from clarion.api.types import Id, Output
from clarion.broadcasts.models import Broadcast
from clarion.records.models import Delivery


class MessageOut(Output):
    """A message that is queued. Ask its status at `status_url`."""

    delivery_id: Id
    broadcast_id: Id = Field(description="The single that the message is")
    chat_number: Id
    state: str
    status_url: str


def message_out(single: Broadcast) -> MessageOut:
    """The one delivery of a single."""
    number, address, state = Delivery.objects.values_list("pk", "address_id", "state").get(
        broadcast=single
    )
    return MessageOut(
        delivery_id=number,
        broadcast_id=single.pk,
        chat_number=address,
        state=state,
        status_url=f"/api/v1/deliveries/{number}",
    )
