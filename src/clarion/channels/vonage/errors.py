"""What Vonage's error codes mean for the engine.

https://developer.vonage.com/en/api-errors/messages: the same codes come as an answer to a message
and, later, in a status “rejected” or “undeliverable”.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from clarion.channels import payloads
from clarion.channels.contract import Refusal
from clarion.channels.replies import DEFAULT_WAIT

OPTED_OUT = 1240
_CODE = re.compile(r"\d{3,5}")


class Meaning(NamedTuple):
    """What a code says: the class, a sentence, and with THROTTLED how long to wait (seconds)."""

    refusal: Refusal
    sentence: str
    wait: float = DEFAULT_WAIT
    whole_channel: bool = True
    mark: Literal["unreachable", "opted_out"] = "unreachable"


BAD_LOGIN = Meaning(
    Refusal.MISCONFIGURED,
    "Vonage does not accept the login. Check the API key and the API secret.",
)
NO_CREDIT = Meaning(
    Refusal.MISCONFIGURED,
    "The Vonage account has no credit left, or its quota is used up. Add credit in the dashboard.",
)
TOO_FAST = Meaning(Refusal.THROTTLED, "The channel sends faster than Vonage allows.")
_BARRED = Meaning(Refusal.MISCONFIGURED, "Vonage has barred the account. Contact its support.")
_NOT_ALLOWED = Meaning(
    Refusal.MISCONFIGURED,
    "The Vonage account is not allowed to send this way. Contact its support.",
)
_INVALID = Meaning(Refusal.REJECTED, "Vonage refused the message: a value in it is not valid.")
_NETWORK = Meaning(Refusal.REJECTED, "The carrier's network failed.")
MEANINGS: dict[int, Meaning] = {
    1000: TOO_FAST,
    1241: Meaning(
        Refusal.THROTTLED,
        "Too many messages to this number within a short time.",
        60.0,
        whole_channel=False,
    ),
    1100: Meaning(Refusal.RETRY, "Vonage could not submit the message: a connection failed."),
    1030: Meaning(Refusal.UNKNOWN, "Vonage had an internal error."),
    1331: Meaning(Refusal.UNKNOWN, "The carrier does not answer, or can't process the message."),
    1010: _INVALID,
    1020: _INVALID,
    1040: Meaning(Refusal.REJECTED, "Vonage can't route a message to this number."),
    1090: Meaning(Refusal.REJECTED, "The message is longer than Vonage accepts."),
    1120: Meaning(
        Refusal.REJECTED,
        "The country of this number does not accept the sender. Use a number, or a sender ID that "
        "is registered there.",
    ),
    1160: Meaning(
        Refusal.REJECTED,
        "The account is a trial: it can message only numbers that are added in Vonage's dashboard.",
    ),
    1170: Meaning(Refusal.UNREACHABLE, "Vonage does not accept this phone number."),
    1050: Meaning(Refusal.UNREACHABLE, "The number is barred from receiving messages."),
    1190: Meaning(Refusal.UNREACHABLE, "The number is no longer in use."),
    OPTED_OUT: Meaning(
        Refusal.UNREACHABLE,
        "The contact opted out: they replied STOP.",
        mark="opted_out",
    ),
    1180: Meaning(
        Refusal.REJECTED,
        "The phone could not be reached: it is switched off or has no signal.",
    ),
    1200: Meaning(
        Refusal.REJECTED,
        "The contact has changed carrier, and messages do not get through. They must ask their "
        "carrier.",
    ),
    1210: Meaning(
        Refusal.REJECTED,
        "The carrier filtered the message as unwanted. Change its sender, text and links.",
    ),
    1220: Meaning(Refusal.REJECTED, "The phone was busy."),
    1230: _NETWORK,
    1250: Meaning(Refusal.REJECTED, "There is no route to the network of this number."),
    1260: Meaning(Refusal.REJECTED, "The message could not be delivered to this number."),
    1270: Meaning(Refusal.REJECTED, "The carrier blocked the message because of an age limit."),
    1280: Meaning(
        Refusal.REJECTED,
        "The carrier blocked the message: the contact's plan has no SMS, or is suspended.",
    ),
    1290: Meaning(Refusal.REJECTED, "The contact's prepaid account has no credit for messages."),
    1300: Meaning(Refusal.REJECTED, "The number does not belong to the carrier's network."),
    1310: Meaning(Refusal.REJECTED, "The phone can't receive the message."),
    1320: Meaning(Refusal.UNKNOWN, "Vonage reports that the message was already sent."),
    1330: Meaning(Refusal.REJECTED, "The carrier reported an error that is not known."),
    1360: Meaning(Refusal.REJECTED, "The message expired before it was delivered."),
    1060: _BARRED,
    1070: NO_CREDIT,
    1080: _NOT_ALLOWED,
    1140: _NOT_ALLOWED,
}


class Failure(NamedTuple):
    """Why a message failed that Vonage had accepted."""

    code: str = ""
    sentence: str = "Vonage reported a failure without a reason."
    unreachable: bool = False  # no message gets through to this number


def failure(error: Mapping[str, Any]) -> Failure:
    """What the error of a status says, which may be nothing."""
    code = code_of(error)
    if code is None:
        return Failure()
    meaning = MEANINGS.get(code)
    if meaning is None:
        return Failure(str(code), f"Vonage reported error {code}: see its list of error codes.")
    return Failure(str(code), meaning.sentence, meaning.refusal is Refusal.UNREACHABLE)


def code_of(error: Mapping[str, Any]) -> int | None:
    """The code of an error; None where there is none.

    It is what follows “#” in the URL that is the error's type; in a status also its title or code.
    """
    named = (payloads.text(error.get("type"), 400).rpartition("#")[2], error.get("title"))
    for value in (*named, error.get("code")):
        if _CODE.fullmatch(payloads.identifier(value)):
            text = payloads.identifier(value)
            return int(text) if text.isascii() else None
    return None


def words_of(error: Mapping[str, Any]) -> str:
    """Vonage's own words for an error."""
    return payloads.text(error.get("detail")) or payloads.text(error.get("title"))
