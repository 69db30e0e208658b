"""The VK kind: a community that writes to people who have allowed it.

VK reports no receipts to communities. It compares the random_id of messages, for a time that its
present documentation does not state, so an unknown outcome stays in doubt.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    BadSignature,
    CallbackAnswer,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
    Unsendable,
)
from clarion.channels.replies import as_http, json_object
from clarion.channels.vk import ids
from clarion.channels.vk.config import OFFICIAL, VkConfig
from clarion.channels.vk.errors import ERRORS
from clarion.channels.vk.events import answer_to, events_of, is_proven
from clarion.channels.vk.outcomes import outcome_of, outcomes_of, refused
from clarion.channels.vk.requests import BUTTONS, RECIPIENTS, TEXT, VERSION, body_of, content_of
from clarion.transport.messages import HttpRequest

_TIMEOUT = 15.0  # seconds
_NAME_LENGTH = 80


class VkKind:
    """A VK community."""

    kind: ClassVar[str] = "vk"
    label: ClassVar[str] = "VK"
    account: ClassVar[str] = "a VK community"
    summary: ClassVar[str] = "Sends as a VK community to people who have allowed its messages."
    # “Up to 20 requests per second with a community access key” (dev.vk.com/api/api-requests).
    limits: ClassVar[Limits] = Limits(
        rate=20.0,
        text_length=TEXT,
        receipts=frozenset(),
        buttons=frozenset({"link", "reply"}),
        most_buttons=BUTTONS,
        inbound=True,
        opt_outs=frozenset({"reported"}),
        written_first=True,
        most_recipients=RECIPIENTS,
        rate_counts="requests",
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = VkConfig
    idempotent = False

    def __init__(self, config: VkConfig) -> None:
        token = config.token.get_secret_value()
        self._root = config.api_root
        self._group = config.group_id
        self._allow_private = config.api_root != OFFICIAL
        self._headers = (
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Authorization", f"Bearer {token}"),
        )
        self._confirmation = config.confirmation
        self._webhook_secret = config.webhook_secret.get_secret_value()
        self._secrets = (token, self._webhook_secret)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(ERRORS)

    @staticmethod
    def user_id(text: str) -> str:
        """The number of a person or of a conversation. Raises BadIdError."""
        return ids.user_id(text)

    def request(self, message: Outgoing) -> HttpRequest:
        """messages.send. Raises Unsendable for what VK does not take."""
        return self._send([message])

    def shared(self, message: Outgoing) -> Hashable | None:
        """The content."""
        try:
            return tuple(content_of(message, self.limits, self.label).items())
        except Unsendable:
            return None

    def batch_request(self, messages: Sequence[Outgoing]) -> HttpRequest:
        """messages.send with peer_ids."""
        return self._send(messages)

    def batch_outcomes(self, messages: Sequence[Outgoing], reply: Reply) -> Sequence[Outcome]:
        """Each recipient has an entry of their own, see ``outcomes_of``."""
        return outcomes_of(as_http(reply), [message.to for message in messages], self._secrets)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is a response with the number of the message. Errors come with HTTP 200 too."""
        return outcome_of(as_http(reply), self._secrets)

    def _send(self, messages: Sequence[Outgoing]) -> HttpRequest:
        body = body_of(messages, content_of(messages[0], self.limits, self.label))
        url = f"{self._root}/messages.send"
        return HttpRequest("POST", url, self._headers, body, _TIMEOUT, self._allow_private)

    def check(self) -> HttpRequest:
        """Ask groups.getById, which does nothing."""
        url = f"{self._root}/groups.getById?group_id={self._group}&v={VERSION}"
        return HttpRequest("GET", url, self._headers[1:], b"", _TIMEOUT, self._allow_private)

    def checked(self, reply: Reply) -> str:
        """Which community it is. Raises ValueError when the token or the server is wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        response = answer.get("response")
        groups = payloads.part(response).get("groups") if response else None
        if http.status != 200 or not isinstance(groups, list) or not groups:
            raise ValueError(refused(http, answer, self._secrets).reason)
        name = payloads.text(payloads.part(groups[0]).get("name"), _NAME_LENGTH) or "?"
        for secret in filter(None, self._secrets):
            name = name.replace(secret, "…")
        return f"The token is valid. The community is “{name}”."

    def verify(self, hook: HookRequest) -> None:
        """The secret key that VK sends with every event; without one nothing is believed."""
        if not is_proven(self._webhook_secret, self._group, hook):
            raise BadSignature("The secret key or the community is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Messages of people, pressed buttons, and who allows messages or no longer."""
        return events_of(hook)

    def answer(self, hook: HookRequest) -> CallbackAnswer | None:
        """“ok”, or the confirmation string."""
        body = answer_to(hook, self._confirmation)
        return CallbackAnswer(body, "text/plain") if body else None
