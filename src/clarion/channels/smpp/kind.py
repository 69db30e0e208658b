"""The SMPP kind: SMS through a provider's SMSC.

SMPP has no idempotency key. What the SMSC reports comes over the connection that messages are sent
on, so a worker keeps it open.
"""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels import sms_settings
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
    Unsendable,
)
from clarion.channels.fitting import ensure_fits
from clarion.channels.smpp.config import SmppConfig
from clarion.channels.smpp.errors import ALREADY_BOUND, BINDS, OTHER, OTHER_BIND, STATUSES
from clarion.channels.smpp.events import events_of
from clarion.channels.smpp.outcomes import outcome_of
from clarion.channels.smpp.requests import TEXT_LENGTH, parts_of
from clarion.channels.sms_kind import SmsKind
from clarion.transport.messages import SmppAccount, SmppReply, SmppRequest

_TIMEOUT = 30.0  # seconds for one part; SMSCs give up after 60 at most (SMPP 3.4, 7.2)
_EACH_MORE = 5.0  # seconds for each further part


class SmppKind(SmsKind):
    """SMS through an SMSC."""

    kind: ClassVar[str] = "smpp"
    label: ClassVar[str] = "SMPP"
    account: ClassVar[str] = "an SMPP account"
    summary: ClassVar[str] = "Sends SMS over SMPP 3.4, through a provider's SMSC."
    # No protocol tells a rate; 10 a second is what small accounts have.
    limits: ClassVar[Limits] = Limits(
        rate=10.0,
        backoff=1.0,
        text_length=TEXT_LENGTH,
        receipts=frozenset({"delivered", "failed"}),
        inbound=True,
    )
    Config: ClassVar[type[BaseModel]] = SmppConfig
    idempotent = False

    def __init__(self, config: SmppConfig) -> None:
        super().__init__(config, config.country)
        self._config = config
        self._account = config.account
        self._secrets = (self._account.password, config.system_id)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The answers to a message, and those to a bind."""
        return listed(
            {f"{code:#04x}": meaning for code, meaning in STATUSES.items()}
            | {f"bind {code:#04x}": meaning for code, meaning in BINDS.items()}
            | {"any other": OTHER, "bind, any other": OTHER_BIND}
        )

    def request(self, message: Outgoing) -> SmppRequest:
        """The submit_sm of each part. Raises Unsendable for what an SMS can't have."""
        if message.media or message.buttons or message.template:
            ensure_fits(message, self.limits, self.label)
        text = sms_settings.as_sent(message, self._config)
        if len(text) > TEXT_LENGTH:
            raise Unsendable(f"The text is longer than {TEXT_LENGTH:,} characters. Shorten it.")
        parts = parts_of(message.id, message.to, text, self._config)
        return SmppRequest(self._account, parts, _TIMEOUT + _EACH_MORE * (len(parts) - 1))

    def outcome(self, reply: Reply) -> Outcome:
        """By the command_status of the deciding answer."""
        return outcome_of(reply, self._config.receipt_ids, self._secrets)

    def check(self) -> SmppRequest:
        """Connect, bind and ask for a sign of life; nothing is sent."""
        return SmppRequest(self._account, (), _TIMEOUT)

    def checked(self, reply: Reply) -> str:
        """What happened. Raises ValueError with what the SMSC has against us."""
        if isinstance(reply, SmppReply):
            if reply.stage == "check" and reply.status == 0:
                return "The server can be reached, and the login works. Nothing was sent."
            if reply.stage == "bind" and reply.status == ALREADY_BOUND:
                return (
                    "The server can be reached. It reports that this account is connected already, "
                    "as it is while a worker runs."
                )
        refused = outcome_of(reply, self._config.receipt_ids, self._secrets)
        raise ValueError(getattr(refused, "reason", "The provider's answer can't be understood."))

    def verify(self, hook: HookRequest) -> None:
        """Always refuse: an SMSC reports over its own connection."""
        raise BadSignature("SMPP channels have no callbacks.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Receipts and what people write, from a packet of the connection."""
        return events_of(hook, self._config)

    def connection(self) -> SmppAccount:
        """The account whose connection is kept open."""
        return self._account

    def most_connections(self) -> int:
        """How many workers may keep one open at a time."""
        return self._config.connections
