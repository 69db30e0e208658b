"""What the kinds with direct messages have in common: a page or account that answers people.

No idempotency key. A message must follow within 24 hours after a person last wrote.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    Accepted,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Refused,
    Reply,
)
from clarion.channels.graph.calls import GraphCalls
from clarion.channels.graph.direct.config import DirectConfig
from clarion.channels.graph.direct.errors import BAD_TOKEN, BY_SUBCODE, MEANINGS, meaning_of
from clarion.channels.graph.direct.events import events_of
from clarion.channels.graph.direct.ids import is_scoped_id
from clarion.channels.graph.direct.requests import message_of
from clarion.channels.graph.errors import refused
from clarion.channels.graph.hooks import challenge_of, ensure_signed
from clarion.channels.replies import as_http, json_object
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply, HttpRequest

Account = tuple[str, str]  # the id and the name of an account, empty where an answer has none


class DirectKind:
    """Sends and receives direct messages; a subclass says of which platform."""

    label: ClassVar[str]
    limits: ClassVar[Limits]
    about: ClassVar[str]  # what callbacks are about, as Meta calls it
    fields: ClassVar[Sequence[str]]  # of the webhook, that the account is subscribed to
    Config: ClassVar[type[BaseModel]]
    idempotent = False

    def __init__(self, config: DirectConfig) -> None:
        token = config.token.get_secret_value()
        app_secret, verify_token = config.app_secret, config.verify_token.get_secret_value()
        self._account = config.account_id
        self._url = f"{config.api_root}/me"  # the account that the token is of
        self._app_secret = app_secret.get_secret_value().encode()
        self._verify_token = verify_token
        self._secrets = (token, app_secret.get_secret_value(), verify_token)
        self._graph = GraphCalls(token, allow_private=config.allow_private)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed({**MEANINGS, **BY_SUBCODE})

    def request(self, message: Outgoing) -> HttpRequest:
        """The POST of one message. Raises Unsendable for what can't be sent."""
        body = {
            "recipient": {"id": message.to},
            # The other types: an answer, which a broadcast is not, and a message with a tag.
            "messaging_type": "UPDATE",
            "message": message_of(message, self.limits, self.label),
        }
        return self._graph.post(f"{self._url}/messages", body)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is a 2xx with the id of the message; receipts refer to it."""
        http = as_http(reply)
        if 200 <= http.status <= 299:
            answer = json_object(http.body)
            if external_id := payloads.identifier(answer.get("message_id")):
                person = payloads.identifier(answer.get("recipient_id"))
                return Accepted(external_id, (person,) if is_scoped_id(person) else ())
        return self._refused(http)

    def register(self, hook_url: str) -> HttpRequest:
        """Subscribe the app to the messages of this account.

        https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps. Where Meta
        calls back is set once for the whole app, in its dashboard.
        """
        if not self._app_secret:
            raise ValueError("Set the app secret on this channel first: it proves the callbacks.")
        if not self._verify_token:
            raise ValueError("Set a verify token on this channel first.")
        url = f"{self._url}/subscribed_apps?subscribed_fields={','.join(self.fields)}"
        return self._graph.post(url, {})

    def registered(self, reply: Reply) -> str:
        """That callbacks will come. Raises ValueError with what Meta has against it."""
        http = as_http(reply)
        if http.status == 200 and json_object(http.body).get("success") is True:
            return (
                "Meta now sends the messages of this account to the webhook URL of your app. "
                "Enter this channel's webhook URL and verify token in Meta's app dashboard."
            )
        raise ValueError(self._refused(http).reason)

    def verify(self, hook: HookRequest) -> None:
        """The signature of the body, by the app secret; without one nothing is believed."""
        ensure_signed(hook, self._app_secret)

    def handshake(self, query: str) -> str:
        """Meta's try of the callback address: the challenge goes back if it knows the token."""
        return challenge_of(query, self._verify_token)

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Messages, pressed buttons, reactions, receipts and opt-outs."""
        return events_of(hook, self.about, self._account)

    def _checked(
        self, reply: Reply, what: str, account: Callable[[Mapping[str, Any]], Account]
    ) -> str:
        """What an answer about the account of the token says. Raises ValueError if it is bad.

        ``what``: the account is called; ``account``: finds its id and name in the answer.
        """
        http = as_http(reply)
        ident, name = account(json_object(http.body)) if http.status == 200 else ("", "")
        if not ident:
            raise ValueError(self._refused(http).reason)
        shown = tidy(name, self._secrets)
        if ident != self._account:
            raise ValueError(
                f"The token is valid, but of another {what}{f' ({shown})' if shown else ''}. "
                "Correct the id or the token."
            )
        return f"The token is valid. The {what} is {shown or 'without a name'}."

    def _refused(self, reply: HttpReply) -> Refused:
        return refused(reply, self._secrets, self.label, meaning_of, BAD_TOKEN.sentence)
