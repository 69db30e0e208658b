"""The Messenger kind: a Facebook page, over Meta's Send API.

https://developers.facebook.com/documentation/business-messaging/messenger-platform
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.contract import Limits, Reply
from clarion.channels.graph.direct.ids import scoped_id
from clarion.channels.graph.direct.kind import Account, DirectKind
from clarion.channels.graph.direct.requests import MOST_QUICK_REPLIES, TITLE_LENGTH
from clarion.channels.messenger.config import MessengerConfig
from clarion.transport.messages import HttpRequest


class MessengerKind(DirectKind):
    """A Facebook page that answers people."""

    kind: ClassVar[str] = "messenger"
    label: ClassVar[str] = "Messenger"
    account: ClassVar[str] = "a Facebook page"
    summary: ClassVar[str] = "Sends from a Facebook page in Messenger, through Meta's API."
    # A text has up to 2,000 characters: …/messenger-platform/reference/send-api. A page may send
    # 300 a second, and 200 times as many a day as it has people; from 40 a second on its inbox at
    # Meta stops working: …/messenger-platform/overview/rate-limiting.
    limits: ClassVar[Limits] = Limits(
        rate=40.0,
        text_length=2_000,
        receipts=frozenset({"delivered", "read"}),
        media=frozenset({"image", "file"}),
        bare_media=frozenset({"file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=MOST_QUICK_REPLIES,
        caption_length=TITLE_LENGTH,
        inbound=True,
        opt_outs=frozenset({"reported"}),
        written_first=True,
        window=True,
    )
    id_titles: ClassVar[tuple[str, ...]] = ("psid", "messenger_id", "facebook_id", "user_id", "id")
    Config: ClassVar[type[BaseModel]] = MessengerConfig
    about: ClassVar[str] = "page"
    fields: ClassVar[Sequence[str]] = (
        "messages",
        "messaging_postbacks",
        "messaging_optins",
        "message_deliveries",
        "message_reads",
        "message_reactions",
    )

    @staticmethod
    def user_id(text: str) -> str:
        """A person's id on this page. Raises BadIdError."""
        return scoped_id(text, "a page-scoped id")

    def check(self) -> HttpRequest:
        """Ask for the page of the token, which does nothing."""
        return self._graph.get(f"{self._url}?fields=id,name")

    def checked(self, reply: Reply) -> str:
        """Which page it is. Raises ValueError when the token is wrong, or of another page."""
        return self._checked(reply, "page", _page)


def _page(answer: Mapping[str, Any]) -> Account:
    return payloads.identifier(answer.get("id")), payloads.text(answer.get("name"), 200)
