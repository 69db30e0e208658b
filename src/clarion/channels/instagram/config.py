"""What an Instagram channel needs to know."""

from pydantic import Field, SecretStr

from clarion.channels.graph.direct.config import DirectConfig
from clarion.channels.graph.settings import VERSION
from clarion.channels.groups import ADVANCED

# Of tokens from Instagram Login; those of a linked Facebook page are for graph.facebook.com.
OFFICIAL = f"https://graph.instagram.com/{VERSION}"


class InstagramConfig(DirectConfig):
    """What an Instagram channel needs to know."""

    account_id: str = Field(
        title="Account id",
        description="The id of the professional account, digits only: in Meta's app dashboard, "
        "under Instagram, API setup. It is the user_id in the answers of Meta.",
    )
    token: SecretStr = Field(
        title="Access token",
        description="In Meta's app dashboard, under Instagram, API setup, Generate token. It lasts "
        "60 days: save a new one before it ends.",
    )
    api_root: str = Field(
        default=OFFICIAL,
        title="Graph API",
        description="Meta's own URL with its version. For the token of a linked Facebook page, "
        f"write https://graph.facebook.com/{VERSION}.",
        json_schema_extra={"group": ADVANCED, "receives": ["token"]},
    )
