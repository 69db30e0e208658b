"""What Meta documents about messages of an Instagram account, see ``graph_published``."""

from channels.graph_published import AT, MID, example, published
from clarion.channels.contract import Receipt

_PAGE = "https://developers.facebook.com/documentation/instagram-platform/webhooks/examples"
PUBLISHED = published(
    "instagram",
    "instagram",
    _PAGE,
    example("instagram", _PAGE, {"read": {"mid": MID}}, Receipt("read", AT, MID)),
)
