"""A Facebook page: what Meta answers, and its signed callbacks."""

from typing import Any

from channels import direct
from channels.direct import JUST_BEFORE_MS, MID, callback, item
from channels.fixtures import JUST_BEFORE
from clarion.channels.contract import Receipt
from clarion.channels.messenger.config import MessengerConfig
from clarion.channels.messenger.kind import MessengerKind

STOPPED = {
    "type": "notification_messages",
    "notification_messages_status": "STOP_NOTIFICATIONS",
}
CASE = direct.case(
    "messenger",
    "page",
    {"delivery": {"mids": [MID], "watermark": JUST_BEFORE_MS}},
    Receipt("delivered", JUST_BEFORE, MID),
    others=(
        lambda: callback("page", item(read={"watermark": JUST_BEFORE_MS})),
        lambda: callback("page", item(optin=STOPPED)),
    ),
    id_columns={"id,PSID": "PSID", "name,facebook_id": "facebook_id"},
)


def make(**changes: Any) -> MessengerKind:
    """The kind with the settings of its Case, or with these instead."""
    return MessengerKind(MessengerConfig.model_validate({**CASE.settings, **changes}))
