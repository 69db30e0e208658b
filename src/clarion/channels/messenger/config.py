"""What a Messenger channel needs to know."""

from pydantic import Field, SecretStr

from clarion.channels.graph.direct.config import DirectConfig


class MessengerConfig(DirectConfig):
    """What a Messenger channel needs to know."""

    account_id: str = Field(
        title="Page id",
        description="Meta's id of the Facebook page, digits only: on the page, under About, Page "
        "transparency.",
    )
    token: SecretStr = Field(
        title="Page access token",
        description="In Meta's app dashboard, under Messenger, API setup. The app needs the "
        "permissions pages_messaging and pages_manage_metadata.",
    )
