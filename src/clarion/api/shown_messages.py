"""A send to one contact, as it was accepted."""

from pydantic import Field

from clarion.api.answers import Created
from clarion.api.types import Id, Output
from clarion.broadcasts.models import Broadcast
from clarion.records.models import Delivery
from clarion.records.states import DeliveryState


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
    return _message(single, number, address, state)


def queued_message(single: Broadcast, delivery: int, address: int) -> Created:
    """The delivery of a single that was queued just now."""
    message = _message(single, delivery, address, DeliveryState.QUEUED)
    return Created(message, message.status_url)


def _message(single: Broadcast, delivery: int, address: int, state: str) -> MessageOut:
    return MessageOut(
        delivery_id=delivery,
        broadcast_id=single.pk,
        chat_number=address,
        state=state,
        status_url=f"/api/v1/deliveries/{delivery}",
    )
