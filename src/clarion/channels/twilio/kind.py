"""The Twilio kind: SMS and MMS from a number, a sender ID or a Messaging Service.

Twilio has no idempotency key for messages; a status callback names the SID of a message, and ours.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import urlencode, urlsplit, urlunsplit

from pydantic import BaseModel

from clarion.channels import payloads, sms_settings
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    Accepted,
    BadSignature,
    CallbackAnswer,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.measuring import Measured
from clarion.channels.replies import as_http, json_object
from clarion.channels.sms_kind import SmsKind
from clarion.channels.twilio.config import OFFICIAL, TwilioConfig
from clarion.channels.twilio.errors import MEANINGS
from clarion.channels.twilio.events import events_of, fields_of
from clarion.channels.twilio.outcomes import refused
from clarion.channels.twilio.requests import TEXT_LENGTH, body_of
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpRequest

SIGNATURE_HEADER = "x-twilio-signature"
_MESSAGING = "https://messaging.twilio.com"
_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
_PORTS = {"https": 443, "http": 80}
# A plain text would be sent to the person as a reply; an empty document answers nothing:
# https://www.twilio.com/docs/messaging/twiml
_NO_REPLY = CallbackAnswer(b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")


class TwilioKind(SmsKind):
    """SMS over Twilio."""

    kind: ClassVar[str] = "twilio"
    label: ClassVar[str] = "Twilio"
    account: ClassVar[str] = "a Twilio number"
    summary: ClassVar[str] = "Sends SMS, and MMS if the sender supports it, over Twilio."
    # 1,600 characters: …/docs/messaging/api/message-resource. A long code of the US sends one SMS a
    # second, other senders more; what comes faster waits at Twilio, where nobody can stop it:
    # https://www.twilio.com/docs/api/errors/21611
    limits: ClassVar[Limits] = Limits(
        rate=1.0,
        text_length=TEXT_LENGTH,
        receipts=frozenset({"delivered", "failed"}),
        media=frozenset({"image", "file"}),
        caption_length=TEXT_LENGTH,
        inbound=True,
        opt_outs=frozenset({"reported"}),
    )
    Config: ClassVar[type[BaseModel]] = TwilioConfig
    idempotent = False
    takes_gets: ClassVar[bool] = True  # as the webhook of a number can be set up

    def __init__(self, config: TwilioConfig) -> None:
        super().__init__(config, config.country)
        token = config.auth_token.get_secret_value()
        key_secret = config.api_key_secret.get_secret_value()
        login = (config.api_key, key_secret) if config.api_key else (config.account_sid, token)
        basic = base64.b64encode(":".join(login).encode()).decode()
        self.hook_url = ""
        self._config = config
        self._account_url = f"{config.api_root}/2010-04-01/Accounts/{config.account_sid}"
        self._headers = (
            ("Authorization", f"Basic {basic}"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        )
        self._sender = ("MessagingServiceSid" if config.is_service else "From", config.sender)
        self._token = token.encode()
        self._secrets = (token, key_secret, basic)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(MEANINGS)

    def request(self, message: Outgoing) -> HttpRequest:
        """The POST of one message. Raises Unsendable for what Twilio can't send."""
        text = sms_settings.as_sent(message, self._config)
        body = body_of(message, text, self._sender, self.hook_url, self.limits, self.label)
        return self._call("POST", f"{self._account_url}/Messages.json", body)

    def measure(self, message: Outgoing) -> Measured:
        """The SMS that a message takes; an MMS is one message, whose price is another one."""
        if message.media is not None:
            return Measured(1, detail="MMS")
        return super().measure(message)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is a 2xx with the SID of the message; statuses refer to it."""
        http = as_http(reply)
        if 200 <= http.status <= 299:
            answer = json_object(http.body)
            sid = payloads.identifier(answer.get("sid"))
            if _SID.fullmatch(sid) and answer.get("status") not in ("failed", "undelivered"):
                return Accepted(sid)
        return refused(http, self._secrets)

    def check(self) -> HttpRequest:
        """Ask for the account itself, which does nothing."""
        return self._call("GET", f"{self._account_url}.json")

    def checked(self, reply: Reply) -> str:
        """Which account it is. Raises ValueError when the login is wrong or it can't send."""
        http = as_http(reply)
        answer = json_object(http.body)
        status = answer.get("status")
        if http.status != 200 or not isinstance(status, str):
            raise ValueError(refused(http, self._secrets).reason)
        if status != "active":
            raise ValueError(MEANINGS[20005].sentence)
        name = tidy(payloads.text(answer.get("friendly_name"), 200), self._secrets)
        named = f" The account is “{name}”." if name else ""
        trial = ""
        if answer.get("type") == "Trial":
            trial = " It is a trial: it can message only numbers that are verified at Twilio."
        return f"The login is valid.{named}{trial}"

    def register(self, hook_url: str) -> HttpRequest:
        """Set where a Messaging Service sends what people write.

        Statuses need no registration: each message names the URL. A number's own URL can't be set
        with one request: Twilio wants its SID, which is not its number.
        """
        if not self._config.is_service:
            raise ValueError(
                "Enter this webhook URL in Twilio's console, in the settings of the number under "
                f"“A message comes in”: {hook_url}. Statuses need no setting."
            )
        root = _MESSAGING if self._config.api_root == OFFICIAL else self._config.api_root
        fields = {
            "InboundRequestUrl": hook_url,
            "InboundMethod": "POST",
            "UseInboundWebhookOnNumber": "false",
        }
        return self._call(
            "POST", f"{root}/v1/Services/{self._config.sender}", urlencode(fields).encode()
        )

    def registered(self, reply: Reply) -> str:
        """That messages will come. Raises ValueError with what Twilio has against it."""
        http = as_http(reply)
        if http.status == 200 and json_object(http.body).get("inbound_request_url"):
            return "Twilio now sends messages to this Messaging Service to this server."
        raise ValueError(refused(http, self._secrets).reason)

    def verify(self, hook: HookRequest) -> None:
        """HMAC-SHA1 with the auth token of the URL that was called, followed by the sorted fields
        of the body: https://www.twilio.com/docs/usage/webhooks/webhooks-security.

        Twilio was seen to sign the URL with and without its port, so both count.
        """
        if not hook.url:
            raise BadSignature("Set CLARION_PUBLIC_URL: Twilio signs the URL that it calls.")
        signature = hook.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
        try:
            fields = sorted(set(fields_of(hook.body)))
        except ValueError:
            raise BadSignature("The callback has too many fields.") from None
        tail = "".join(f"{name}{value}" for name, value in fields)
        matches = [
            hmac.compare_digest(self._signature(url + tail), signature)
            for url in _with_and_without_port(hook.url)
        ]
        if not any(matches):
            raise BadSignature("The signature is missing or wrong.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """What became of messages, what people write, and who opts out and in."""
        return events_of(hook, answers_help=self._config.answers_help)

    def answer(self, hook: HookRequest) -> CallbackAnswer | None:
        """A document without an instruction: Twilio sends nothing in return."""
        return _NO_REPLY

    def _signature(self, text: str) -> bytes:
        return base64.b64encode(hmac.digest(self._token, text.encode("utf-8", "replace"), "sha1"))

    def _call(self, method: str, url: str, body: bytes = b"") -> HttpRequest:
        return HttpRequest(method, url, self._headers, body, 15.0, self._config.allow_private)


def _with_and_without_port(url: str) -> tuple[str, str]:
    """The URL as it is, and with the port that is usual left out or added."""
    parts = urlsplit(url)
    usual = _PORTS.get(parts.scheme, 0)
    host = parts.netloc.removesuffix(f":{usual}")
    other = host if host != parts.netloc else f"{host}:{usual}"
    return url, urlunsplit(parts._replace(netloc=other))
