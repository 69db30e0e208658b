"""What Twilio's error codes mean for the engine.

https://www.twilio.com/docs/api/errors has a page for each code. The same codes come as an answer to
a message and, later, in a status “failed” or “undelivered”. A code is about a person only where
its page says that the number can't get messages: a phone that is switched off (30003) may be on
tomorrow.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from clarion.channels import payloads
from clarion.channels.contract import Refusal
from clarion.channels.replies import DEFAULT_WAIT

OPTED_OUT = 21610
_LARGEST_CODE = 10**9


class Meaning(NamedTuple):
    """What a code says: the class, a sentence, and with THROTTLED how long to wait (seconds)."""

    refusal: Refusal
    sentence: str
    wait: float = DEFAULT_WAIT
    mark: Literal["unreachable", "opted_out"] = "unreachable"


BAD_LOGIN = Meaning(
    Refusal.MISCONFIGURED,
    "Twilio does not accept the login. Check the account SID, the auth token and the API key.",
)
_INACTIVE = Meaning(
    Refusal.MISCONFIGURED,
    "The Twilio account is suspended or closed. Check its balance and its status in the console.",
)
_BAD_SENDER = Meaning(
    Refusal.MISCONFIGURED,
    "Twilio can't send from this sender: it does not belong to the account, or it can't send SMS. "
    "Check the sender.",
)
_NO_SERVICE = Meaning(
    Refusal.MISCONFIGURED,
    "The Messaging Service does not exist, or can't send. Check its SID and its status.",
)
_NO_SENDERS = Meaning(
    Refusal.MISCONFIGURED,
    "The Messaging Service has no number that can send this message. Add one to its sender pool.",
)
_BAD_NUMBER = Meaning(Refusal.UNREACHABLE, "Twilio does not know this phone number.")
_NO_MOBILE = Meaning(Refusal.UNREACHABLE, "The number can't receive SMS, such as a landline.")
_QUEUE_FULL = Meaning(
    Refusal.THROTTLED,
    "Twilio's queue for this sender is full: it holds what can be sent in ten hours. Lower the "
    "channel's send rate.",
    600.0,
)
_NO_MMS = Meaning(
    Refusal.REJECTED,
    "The sender can't send pictures and files (MMS). Numbers of the US and Canada can.",
)
_TOO_FAST = Meaning(
    Refusal.THROTTLED, "The channel sends faster than Twilio allows for this account or sender."
)
_NOT_REGISTERED = Meaning(
    Refusal.REJECTED,
    "Carriers in the US block the sender: it is not registered for A2P 10DLC. Register it in "
    "Twilio's console.",
)
MEANINGS: dict[int, Meaning] = {
    14107: _TOO_FAST,
    20429: _TOO_FAST,
    63017: _TOO_FAST,
    63018: _TOO_FAST,
    30022: Meaning(
        Refusal.THROTTLED, "Carriers in the US limit how fast this sender may send (A2P 10DLC)."
    ),
    21611: _QUEUE_FULL,
    30001: _QUEUE_FULL,
    30023: Meaning(
        Refusal.THROTTLED,
        "The sender has reached the number of messages a day that carriers in the US allow.",
        3600.0,
    ),
    30027: Meaning(
        Refusal.THROTTLED,
        "The sender has reached the number of messages a day that T-Mobile allows.",
        3600.0,
    ),
    OPTED_OUT: Meaning(
        Refusal.UNREACHABLE,
        "The contact opted out: they replied STOP to this sender.",
        mark="opted_out",
    ),
    21211: _BAD_NUMBER,
    21217: _BAD_NUMBER,
    21604: _BAD_NUMBER,
    30005: Meaning(
        Refusal.UNREACHABLE, "The number does not exist any more, or its carrier does not know it."
    ),
    21614: _NO_MOBILE,
    21635: _NO_MOBILE,
    30006: Meaning(
        Refusal.UNREACHABLE, "The number is a landline, or its carrier can't be reached."
    ),
    21265: Meaning(Refusal.REJECTED, "A short code can't receive messages from Twilio."),
    21266: Meaning(Refusal.REJECTED, "Sender and recipient are the same number."),
    21408: Meaning(
        Refusal.REJECTED,
        "The account may not send to the country of this number. Allow the country in Twilio's "
        "console, under Messaging, Geo permissions.",
    ),
    21602: Meaning(Refusal.REJECTED, "The message is empty."),
    21605: Meaning(Refusal.REJECTED, "The message is longer than Twilio accepts."),
    21608: Meaning(
        Refusal.REJECTED,
        "The account is a trial: it can message only numbers that are verified in Twilio's "
        "console.",
    ),
    21612: Meaning(
        Refusal.REJECTED,
        "Twilio can't send from this sender to this number. Check whether the sender can reach "
        "its country.",
    ),
    21617: Meaning(
        Refusal.REJECTED, "The text is longer than the 1,600 characters that Twilio accepts."
    ),
    21618: Meaning(Refusal.REJECTED, "Twilio can't send this text."),
    21619: Meaning(Refusal.REJECTED, "The message is empty."),
    21620: Meaning(
        Refusal.REJECTED, "Twilio can't use the URL of the picture or file. It must be public."
    ),
    21621: _NO_MMS,
    21622: _NO_MMS,
    21623: Meaning(Refusal.REJECTED, "The message has more pictures than Twilio accepts."),
    30003: Meaning(
        Refusal.REJECTED,
        "The phone could not be reached: it is switched off or has no signal.",
    ),
    30004: Meaning(
        Refusal.REJECTED,
        "The message was blocked, by the carrier or because the contact does not accept such "
        "messages.",
    ),
    30007: Meaning(
        Refusal.REJECTED,
        "The carrier or Twilio filtered the message as unwanted. Change its text and links.",
    ),
    30008: Meaning(Refusal.REJECTED, "The carrier did not deliver the message and gave no reason."),
    30009: Meaning(Refusal.REJECTED, "A part of the message was lost."),
    30011: Meaning(Refusal.REJECTED, "The number can't receive pictures and files (MMS)."),
    30017: Meaning(Refusal.REJECTED, "The carrier's network was overloaded."),
    30018: Meaning(
        Refusal.REJECTED, "The carrier demands that the sender ID is registered beforehand."
    ),
    30019: Meaning(Refusal.REJECTED, "The picture or file is larger than the carrier accepts."),
    11751: Meaning(Refusal.REJECTED, "The picture or file is larger than the carrier accepts."),
    30024: Meaning(Refusal.REJECTED, "The carrier does not know the sender."),
    30032: Meaning(
        Refusal.REJECTED,
        "Carriers in the US block the sender: it is a toll-free number that is not verified.",
    ),
    30034: _NOT_REGISTERED,
    20003: BAD_LOGIN,
    20008: Meaning(
        Refusal.MISCONFIGURED, "These are Twilio's test credentials, which can't do this."
    ),
    20403: Meaning(
        Refusal.MISCONFIGURED, "The API key is not allowed to send. Check its permissions."
    ),
    20404: Meaning(
        Refusal.MISCONFIGURED, "Twilio has no such account. Check the account SID and the API URL."
    ),
    20005: _INACTIVE,
    20010: _INACTIVE,
    30002: _INACTIVE,
    90010: _INACTIVE,
    21212: _BAD_SENDER,
    21401: _BAD_SENDER,
    21603: _BAD_SENDER,
    21606: _BAD_SENDER,
    21607: _BAD_SENDER,
    21659: _BAD_SENDER,
    21660: _BAD_SENDER,
    21661: _BAD_SENDER,
    21609: Meaning(
        Refusal.MISCONFIGURED,
        "Twilio can't use this server's webhook URL. CLARION_PUBLIC_URL must be reachable from the "
        "internet, and its host must have no underscore.",
    ),
    21701: _NO_SERVICE,
    21702: _NO_SERVICE,
    21705: _NO_SERVICE,
    21703: _NO_SENDERS,
    21704: _NO_SENDERS,
}


class Failure(NamedTuple):
    """Why a message failed that Twilio had accepted."""

    code: str = ""
    sentence: str = ""
    unreachable: bool = False  # no message gets through to this number


def failure(code_text: str) -> Failure:
    """What the ErrorCode of a status says, which may be nothing."""
    code = int(code_text) if code_text.isascii() and code_text.isdigit() else None
    if code is None or not 0 < code < _LARGEST_CODE:
        return Failure(sentence="Twilio reported a failure without a reason.")
    meaning = MEANINGS.get(code)
    if meaning is None:
        return Failure(str(code), f"Twilio reported error {code}: see its list of error codes.")
    return Failure(str(code), meaning.sentence, meaning.refusal is Refusal.UNREACHABLE)


def code_of(answer: Mapping[str, Any]) -> int | None:
    """The code of an error answer, None where there is none."""
    code = answer.get("code")
    is_code = isinstance(code, int) and not isinstance(code, bool) and 0 < code < _LARGEST_CODE
    return code if is_code else None


def words_of(answer: Mapping[str, Any]) -> str:
    """Twilio's own words for an error."""
    return payloads.text(answer.get("message"))
