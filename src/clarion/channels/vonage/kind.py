"""The Vonage kind: SMS from a number or a sender ID, over the Messages API.

Why that and not the SMS API: docs/decisions/0075-sms.md. There is no idempotency key; a status
names the id of the message at Vonage, and ours.
"""

import base64
import json
from collections.abc import Iterable
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels import payloads, sms_settings, sms_text
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    Accepted,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
    Unsendable,
)
from clarion.channels.fitting import ensure_fits
from clarion.channels.replies import as_http, json_object
from clarion.channels.sms_kind import SmsKind
from clarion.channels.vonage import signatures
from clarion.channels.vonage.config import VonageConfig
from clarion.channels.vonage.errors import MEANINGS
from clarion.channels.vonage.events import events_of
from clarion.channels.vonage.outcomes import refused
from clarion.transport.messages import HttpRequest

_TEXT_LENGTH = 1_000  # characters
_ENCODINGS = {"gsm7": "text", "ucs2": "unicode"}


class VonageKind(SmsKind):
    """SMS over Vonage."""

    kind: ClassVar[str] = "vonage"
    label: ClassVar[str] = "Vonage"
    account: ClassVar[str] = "a Vonage number"
    summary: ClassVar[str] = "Sends SMS over Vonage."
    # 1,000 characters and no media: reference of the Messages API, SMS. 30 requests a second and
    # account: api.support.vonage.com, “What is the Throughput Limit for Outbound SMS?”; long codes
    # of the US and Canada send one a second.
    limits: ClassVar[Limits] = Limits(
        rate=30.0,
        text_length=_TEXT_LENGTH,
        receipts=frozenset({"delivered", "failed"}),
        inbound=True,
        opt_outs=frozenset({"reported"}),
    )
    Config: ClassVar[type[BaseModel]] = VonageConfig
    idempotent = False

    def __init__(self, config: VonageConfig) -> None:
        super().__init__(config, config.country)
        secret = config.api_secret.get_secret_value()
        signature_secret = config.webhook_secret.get_secret_value()
        basic = base64.b64encode(f"{config.api_key}:{secret}".encode()).decode()
        self.hook_url = ""
        self._config = config
        self._headers = (("Authorization", f"Basic {basic}"), ("Content-Type", "application/json"))
        self._signature_secret = signature_secret.encode()
        self._secrets = (secret, signature_secret, basic)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(MEANINGS)

    def request(self, message: Outgoing) -> HttpRequest:
        """The POST of one message, in the encoding that it is counted in. Raises Unsendable."""
        ensure_fits(message, self.limits, self.label)
        text = sms_settings.as_sent(message, self._config)
        if not text.strip():
            raise Unsendable("The text is empty.")
        if len(text) > _TEXT_LENGTH:
            raise Unsendable(f"The text is longer than the {_TEXT_LENGTH:,} characters of Vonage.")
        fields: dict[str, object] = {
            "message_type": "text",
            "channel": "sms",
            "to": message.to,
            "from": self._config.sender,
            "text": text,
            "client_ref": message.id,
            "sms": {"encoding_type": _ENCODINGS[sms_text.encoding_of(text)]},
        }
        if self.hook_url:
            fields |= {"webhook_url": self.hook_url, "webhook_version": "v1"}
        return self._call("POST", "/v1/messages", fields)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is a 2xx with the id of the message; statuses refer to it."""
        http = as_http(reply)
        if 200 <= http.status <= 299:
            uuid = payloads.identifier(json_object(http.body).get("message_uuid"))
            if uuid:
                return Accepted(uuid)
        return refused(http, self._secrets)

    def check(self) -> HttpRequest:
        """Ask for the balance, which does nothing."""
        return self._call("GET", "/account/get-balance")

    def checked(self, reply: Reply) -> str:
        """How much credit there is. Raises ValueError when the login is wrong."""
        http = as_http(reply)
        value = json_object(http.body).get("value")
        if http.status != 200 or isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(refused(http, self._secrets).reason)
        return f"The login is valid. The balance is {value:,.2f} EUR."

    def verify(self, hook: HookRequest) -> None:
        """A token signed with the signature secret; without one nothing is believed."""
        signatures.verify(hook, self._signature_secret)

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """What became of messages, what people write, and who opts out."""
        return events_of(hook)

    def _call(self, method: str, path: str, fields: dict[str, object] | None = None) -> HttpRequest:
        body = (
            b""
            if fields is None
            else json.dumps(fields, ensure_ascii=False).encode(errors="replace")
        )
        url = f"{self._config.api_root}{path}"
        return HttpRequest(method, url, self._headers, body, 15.0, self._config.allow_private)
