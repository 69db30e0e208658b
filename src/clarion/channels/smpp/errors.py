"""What a command_status means: this message, this address, this channel, or later.

Statuses: SMPP 3.4, 5.1.3. What providers mean by them, where the specification leaves it open:
https://blog.nowsms.com/2009/09/smpp-error-code-reference.html, and
https://www.infobip.com/docs/api-reference/smpp-specification (0x22, 0xFF, 0x4A1). A response with
a status other than 0 is the SMSC's word that it did not accept the message.
"""

from typing import NamedTuple

from clarion.channels.contract import Refusal

R = Refusal
RATE_WAIT = 1.0  # seconds; limits are messages a second, and no status tells more
QUEUE_WAIT = 5.0  # seconds; a queue empties by delivering
ALREADY_BOUND = 0x05


class Meaning(NamedTuple):
    """What a status means."""

    refusal: Refusal
    sentence: str  # without a full stop
    wait: float | None = None  # seconds, with THROTTLED
    whole_channel: bool = True


_ADDRESS = Meaning(R.UNREACHABLE, "The provider knows no such phone number")
_TYPE = "Check the types of number and the numbering plans in the channel's settings"
_LONG = "Choose another way to send long messages in the channel's settings"
_LATER = Meaning(R.RETRY, "The provider could not accept the message at the moment")
_LOGIN = Meaning(
    R.MISCONFIGURED, "The provider refused the login: system id, password or system type is wrong"
)
_SENDER = Meaning(R.MISCONFIGURED, "The provider does not accept the sender of this channel")

# The answers to a message.
STATUSES: dict[int, Meaning] = {
    # later
    0x58: Meaning(R.THROTTLED, "The provider asks to send more slowly", RATE_WAIT),
    # The account's queue, or that of this recipient: several of them mean the account.
    0x14: Meaning(R.THROTTLED, "The provider's queue is full", QUEUE_WAIT, whole_channel=False),
    0x04: Meaning(R.UNAVAILABLE, "The provider does not take messages on this connection"),
    0x08: Meaning(R.RETRY, "The provider has a system error"),
    0x45: Meaning(R.RETRY, "The provider could not submit the message"),
    0x64: _LATER,
    0xFF: Meaning(R.RETRY, "The provider reports an unknown error, or has no credit left"),
    # this channel
    0x0D: _LOGIN,
    0x0E: _LOGIN,
    0x0F: _LOGIN,
    0x53: _LOGIN,
    0x0A: _SENDER,
    0x48: Meaning(R.MISCONFIGURED, f"The provider refused the sender's type of number. {_TYPE}"),
    0x49: Meaning(R.MISCONFIGURED, f"The provider refused the sender's numbering plan. {_TYPE}"),
    0x50: Meaning(R.MISCONFIGURED, f"The provider refused the recipient's type of number. {_TYPE}"),
    0x51: Meaning(R.MISCONFIGURED, f"The provider refused the recipient's numbering plan. {_TYPE}"),
    0x15: Meaning(R.MISCONFIGURED, "The provider does not accept the service type of this channel"),
    0x07: Meaning(
        R.MISCONFIGURED, "The provider does not accept the setting for delivery receipts"
    ),
    0x62: Meaning(R.MISCONFIGURED, "The provider does not accept the validity of this channel"),
    # this address
    0x0B: _ADDRESS,
    0x22: Meaning(R.REJECTED, "The provider does not serve the network of this phone number"),
    # this message
    0x01: Meaning(R.REJECTED, "The message is too long for the provider"),
    0x02: Meaning(R.REJECTED, "The provider could not read the message"),
    0x03: Meaning(R.REJECTED, "The provider does not accept messages by submit_sm"),
    0x43: Meaning(R.REJECTED, f"The provider does not accept parts with headers. {_LONG}"),
    0x65: Meaning(R.REJECTED, "The provider refused the message for good"),
    0x66: Meaning(R.REJECTED, "The provider rejected the message"),
    0xC0: Meaning(R.REJECTED, f"The provider could not read the optional parameters. {_LONG}"),
    0xC1: Meaning(R.REJECTED, f"The provider does not accept optional parameters. {_LONG}"),
    0xC2: Meaning(R.REJECTED, f"The provider refused an optional parameter. {_LONG}"),
    0xC3: Meaning(R.REJECTED, "A parameter that the provider requires is missing"),
    0xC4: Meaning(R.REJECTED, f"The provider refused an optional parameter. {_LONG}"),
    0xFE: Meaning(R.REJECTED, "The provider could not deliver the message"),
}
# Reserved for vendors, or for later versions: certainly not accepted, and nobody knows for how
# long. A few attempts find out.
OTHER = Meaning(R.RETRY, "The provider refused the message")

_IN_USE = (
    "The account is connected elsewhere, or has too many connections. If this lasts, lower the "
    "number of connected workers of this channel"
)
# The answers to a bind that are about the account. Of others nobody knows how long they last: it is
# tried again, less and less often, and the page of the channel shows why it waits.
BINDS: dict[int, Meaning] = {
    0x0E: _LOGIN,
    0x0F: _LOGIN,
    0x53: _LOGIN,
    0x03: Meaning(
        R.MISCONFIGURED, "The provider does not accept this kind of bind. Choose the other one"
    ),
    0x04: Meaning(R.UNAVAILABLE, _IN_USE),
    ALREADY_BOUND: Meaning(R.UNAVAILABLE, _IN_USE),
    # Wrong logins have 0x0E and 0x0F. After a connection broke off, its end may not be known yet.
    0x0D: Meaning(
        R.UNAVAILABLE,
        "The provider refused the connection. If this lasts, check the login, whether this "
        "machine's address is allowed, and the number of connections",
    ),
}
OTHER_BIND = Meaning(R.UNAVAILABLE, "The provider does not accept connections at the moment")
