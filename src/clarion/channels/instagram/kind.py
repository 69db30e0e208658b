"""The Instagram kind: a professional account, over Meta's Send API.

https://developers.facebook.com/documentation/business-messaging/instagram-messaging and
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.contract import Limits, Reply
from clarion.channels.graph.direct.ids import scoped_id
from clarion.channels.graph.direct.kind import Account, DirectKind
from clarion.channels.graph.direct.requests import MOST_QUICK_REPLIES, TITLE_LENGTH
from clarion.channels.graph.settings import OFFICIAL as OF_PAGES
from clarion.channels.instagram.config import InstagramConfig
from clarion.transport.messages import HttpRequest

_HOST_OF_PAGES = urlsplit(OF_PAGES).hostname


class InstagramKind(DirectKind):
    """A professional account that answers people."""

    kind: ClassVar[str] = "instagram"
    label: ClassVar[str] = "Instagram"
    account: ClassVar[str] = "an Instagram account"
    summary: ClassVar[str] = "Sends direct messages from an Instagram account, through Meta's API."
    # A text has up to 1,000 bytes of UTF-8: …/instagram-messaging/features/send-message. Meta's
    # pages on rate limiting state 100 and 300 messages a second, and 10 with sound or video.
    limits: ClassVar[Limits] = Limits(
        rate=100.0,
        text_length=1_000,
        utf8=True,
        receipts=frozenset({"read"}),  # message_deliveries is of the other platform alone
        media=frozenset({"image", "file"}),
        bare_media=frozenset({"file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=MOST_QUICK_REPLIES,
        caption_length=TITLE_LENGTH,
        inbound=True,
        written_first=True,
        window=True,
    )
    id_titles: ClassVar[tuple[str, ...]] = ("igsid", "instagram_id", "user_id", "id")
    Config: ClassVar[type[BaseModel]] = InstagramConfig
    about: ClassVar[str] = "instagram"
    fields: ClassVar[Sequence[str]] = (
        "messages",
        "messaging_postbacks",
        "messaging_seen",
        "message_reactions",
    )

    def __init__(self, config: InstagramConfig) -> None:
        super().__init__(config)
        self._is_of_page = urlsplit(config.api_root).hostname == _HOST_OF_PAGES

    @staticmethod
    def user_id(text: str) -> str:
        """A person's id for this account. Raises BadIdError."""
        return scoped_id(text, "an Instagram-scoped id")

    def check(self) -> HttpRequest:
        """Ask for the account of the token, which does nothing."""
        of_page = "instagram_business_account{id,username}"
        fields = of_page if self._is_of_page else "user_id,username"
        return self._graph.get(f"{self._url}?fields={fields}")

    def checked(self, reply: Reply) -> str:
        """Which account it is. Raises ValueError when the token is wrong, or of another one."""
        return self._checked(reply, "account", self._named)

    def _named(self, answer: Mapping[str, Any]) -> Account:
        linked = payloads.part(answer.get("instagram_business_account"))
        account, key = (linked, "id") if self._is_of_page else (answer, "user_id")
        return payloads.identifier(account.get(key)), payloads.text(account.get("username"), 200)
