"""The SES kind: e-mail through Amazon SES, API version 2.

SES has no idempotency key. Our id is a tag of each message and comes back in the events of its
configuration set, which resolve what is in doubt.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlencode

from pydantic import BaseModel

from clarion.channels import payloads
from clarion.channels.aws import Headers, Keys, Scope, signed
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.mailing.files import MB, base64_of
from clarion.channels.mailing.kind import API_LIMITS, MailKind
from clarion.channels.mailing.mailboxes import sender_of
from clarion.channels.replies import as_http, json_object
from clarion.channels.ses.config import SesConfig, region_of
from clarion.channels.ses.events import OUR_ID, events_of, message_of
from clarion.channels.ses.files import REFUSED_FILES
from clarion.channels.ses.outcomes import ERRORS, outcome_of, refused
from clarion.channels.ses.signatures import certificate_url, check
from clarion.kit import clock
from clarion.transport.messages import HttpRequest

KEY = "key"  # of the webhook secret in the query of the webhook URL
_SNS_VERSION = "2010-03-31"
_FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)
_JSON: Headers = (("Content-Type", "application/json"),)
_DATA = b'"Raw":{"Data":"'
_TIMEOUT = 30.0  # seconds
_TIMEOUT_WHEN_LARGE = 120.0
_LARGE = 1_000_000  # bytes


class SesKind(MailKind):
    """E-mail through Amazon SES."""

    kind: ClassVar[str] = "ses"
    label: ClassVar[str] = "Amazon SES"
    account: ClassVar[str] = "an Amazon SES account"
    summary: ClassVar[str] = "Sends e-mail through the API of Amazon SES."
    # Each account has its own rate, which check shows. 40 MB after base64 (10 MB with version 1 of
    # the API): https://docs.aws.amazon.com/ses/latest/dg/quotas.html
    limits: ClassVar[Limits] = replace(API_LIMITS, mail_size=40 * MB, refused_files=REFUSED_FILES)
    Config: ClassVar[type[BaseModel]] = SesConfig

    def __init__(self, config: SesConfig) -> None:
        self._config = config
        self._sender = sender_of(config.sender)
        secret, token = (
            each.get_secret_value() for each in (config.secret_access_key, config.session_token)
        )
        self._keys = Keys(config.access_key_id, secret, token)
        self._hook_secret = config.webhook_secret.get_secret_value()
        self._secrets = (secret, token, self._hook_secret)
        self._root = config.api_root or f"https://email.{config.region}.amazonaws.com"
        self._topic_region = region_of(config.topic_arn)
        self._sns = (
            f"{config.api_root}/sns/"
            if config.api_root
            else f"https://sns.{self._topic_region}.amazonaws.com/"
        )

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(ERRORS)

    def request(self, message: Outgoing) -> HttpRequest:
        """SendEmail with the raw message. Raises Unsendable for what an e-mail can't have.

        https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
        """
        recipient, mail = self.built(message, self._sender, self._config.reply_to)
        fields: dict[str, Any] = {
            "FromEmailAddress": self._sender.address,
            "Destination": {"ToAddresses": [recipient]},
            "Content": {"Raw": {"Data": ""}},
            "EmailTags": [{"Name": OUR_ID, "Value": message.id}],
        }
        if self._config.configuration_set:
            fields["ConfigurationSetName"] = self._config.configuration_set
        # Base64 needs no escaping, which would take most of the time of a large message. Quotes
        # within a value are escaped, so the mark is nowhere else.
        before, mark, after = json.dumps(fields, separators=(",", ":")).encode().partition(_DATA)
        body = b"".join((before, mark, base64_of(mail.head, mail.tail), after))
        return self._call("POST", f"{self._root}/v2/email/outbound-emails", _JSON, body)

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is 200 with a MessageId."""
        return outcome_of(as_http(reply), self._secrets)

    def check(self) -> HttpRequest:
        """GetAccount, which shows the quota."""
        return self._call("GET", f"{self._root}/v2/email/account")

    def checked(self, reply: Reply) -> str:
        """What the account may send. Raises ValueError when it may not, or the key is wrong."""
        http = as_http(reply)
        account = json_object(http.body)
        quota = payloads.part(account.get("SendQuota"))
        if http.status != 200 or not quota:
            raise ValueError(refused(http, account, self._secrets).reason)
        if account.get("SendingEnabled") is not True:
            raise ValueError("Sending is paused for this SES account. Resume it at AWS.")
        sandbox = (
            ""
            if account.get("ProductionAccessEnabled") is True
            else " It is in the sandbox: SES sends only to verified addresses."
        )
        return (
            f"The access key is valid. The account may send {_number(quota, 'MaxSendRate')} "
            f"messages a second and {_number(quota, 'Max24HourSend')} in 24 hours; "
            f"{_number(quota, 'SentLast24Hours')} were sent in the last 24 hours.{sandbox}"
        )

    def register(self, hook_url: str) -> HttpRequest:
        """Subscribe of SNS, which confirms the webhook URL by a callback."""
        if not self._config.topic_arn:
            raise ValueError("Enter the SNS topic of this channel first.")
        if not self._hook_secret:
            raise ValueError("Set a webhook key on this channel first.")
        endpoint = f"{hook_url}?{KEY}={quote(self._hook_secret, safe='')}"
        fields = {
            "Action": "Subscribe",
            "Version": _SNS_VERSION,
            "TopicArn": self._config.topic_arn,
            "Protocol": endpoint.partition(":")[0],
            "Endpoint": endpoint,
        }
        body = urlencode(fields).encode()
        return self._call("POST", self._sns, _FORM, body, Scope(self._topic_region, "sns"))

    def registered(self, reply: Reply) -> str:
        """That SNS will confirm. Raises ValueError with what it has against the URL."""
        http = as_http(reply)
        if http.status == 200 and b"SubscribeResponse" in http.body:
            return "SNS now asks this server to confirm the webhook. That takes a few seconds."
        if http.status in (400, 403, 404):
            raise ValueError(
                f"SNS refuses the subscription ({http.status}). Check the topic, and that the "
                "access key may do sns:Subscribe."
            )
        raise ValueError(refused(http, json_object(http.body), self._secrets).reason)

    def verify(self, hook: HookRequest) -> None:
        """The key in the webhook URL, and the topic. The signature comes after these, for its
        certificate has to be fetched: not for whoever knows the address of this server."""
        stated = parse_qs(hook.query).get(KEY, [""])[0].encode("utf-8", "replace")
        is_good = hmac.compare_digest(self._hook_secret.encode(), stated)
        if not self._hook_secret or not is_good:
            raise BadSignature("The key in the webhook URL is missing or wrong.")
        try:
            topic = message_of(hook).get("TopicArn")
        except ValueError:
            raise BadSignature("The callback is not a message of Amazon SNS.") from None
        if not self._config.topic_arn or topic != self._config.topic_arn:
            raise BadSignature("The callback is of another SNS topic.")

    def certificate(self, hook: HookRequest) -> HttpRequest:
        """The certificate that SNS says it has signed with, from the region of the topic."""
        url = certificate_url(message_of(hook), self._sns)
        allow_private = self._config.allow_private
        return HttpRequest("GET", url, timeout=_TIMEOUT, allow_private=allow_private)

    def verify_with(self, hook: HookRequest, certificate: bytes) -> None:
        """The signature over the message, and that it is of today."""
        check(message_of(hook), certificate, hook.received_at)

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Deliveries, bounces, complaints and rejects."""
        return events_of(hook)

    def follow_up(self, hook: HookRequest) -> HttpRequest | None:
        """ConfirmSubscription, where a callback asks for it.

        At the topic's own region: a URL in the callback is never called.
        """
        try:
            message = message_of(hook)
        except ValueError:
            return None
        token = payloads.text(message.get("Token"), 2_000)
        if message["Type"] != "SubscriptionConfirmation" or not token:
            return None
        query = {
            "Action": "ConfirmSubscription",
            "TopicArn": self._config.topic_arn,
            "Token": token,
            "Version": _SNS_VERSION,
        }
        url = f"{self._sns}?{urlencode(query)}"
        allow_private = self._config.allow_private
        return HttpRequest("GET", url, timeout=_TIMEOUT, allow_private=allow_private)

    def _call(
        self,
        method: str,
        url: str,
        headers: Headers = (),
        body: bytes = b"",
        scope: Scope | None = None,
    ) -> HttpRequest:
        scope = scope or Scope(self._config.region, "ses")
        proven = signed(self._keys, scope, method, url, headers, body, clock.now())
        timeout = _TIMEOUT if len(body) < _LARGE else _TIMEOUT_WHEN_LARGE
        return HttpRequest(method, url, proven, body, timeout, self._config.allow_private)


def _number(quota: Mapping[str, Any], name: str) -> str:
    value = quota.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "an unknown number of"
    return "unlimited" if value < 0 else f"{value:,.0f}"
