"""What the error codes of WhatsApp mean for the engine.

Codes and their causes: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
and, for which of them ask to wait, nyaruka/courier (handlers/meta/whatsapp/api.go). The same codes
come as an answer to a message and, later, in a status “failed”. Why each is classed as it is:
docs/decisions/0015-whatsapp.md.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from clarion.channels.contract import Refusal
from clarion.channels.graph.errors import Meaning, code_of, words_of

OPTED_OUT = 131050

_FAULT = Meaning(Refusal.UNKNOWN, "WhatsApp had an internal error.")
BAD_TOKEN = Meaning(
    Refusal.MISCONFIGURED,
    "Meta does not accept the access token. Create one for a system user and save it here.",
)
_NO_RIGHT = Meaning(
    Refusal.MISCONFIGURED,
    "The access token is not allowed to send from this number. Give its system user access to "
    "the number's account and the permission whatsapp_business_messaging.",
)
_NO_NUMBER = Meaning(
    Refusal.MISCONFIGURED,
    "Meta has no such phone number, or the token has no access to it. Check the phone number id.",
)
_NOT_REGISTERED = Meaning(
    Refusal.MISCONFIGURED, "The number is not registered with the Cloud API. Register it at Meta."
)
MEANINGS: dict[int, Meaning] = {
    4: Meaning(Refusal.THROTTLED, "The app sends more requests than Meta allows.", 60.0),
    80007: Meaning(
        Refusal.THROTTLED,
        "The WhatsApp Business account sends more requests than Meta allows.",
        60.0,
    ),
    130429: Meaning(Refusal.THROTTLED, "The number sends faster than WhatsApp allows."),
    131048: Meaning(
        Refusal.THROTTLED,
        "WhatsApp slows this number down because many people blocked or reported it. Check its "
        "quality in WhatsApp Manager.",
        600.0,
    ),
    131056: Meaning(
        Refusal.THROTTLED,
        "Too many messages to this contact within a short time.",
        6.0,
        whole_channel=False,
    ),
    131057: Meaning(Refusal.THROTTLED, "Meta is changing the throughput of this number.", 10.0),
    133016: Meaning(Refusal.THROTTLED, "The number was registered too often.", 600.0),
    131053: Meaning(
        Refusal.RETRY,
        "WhatsApp could not download the picture or file. Its URL must be public.",
    ),
    131026: Meaning(
        Refusal.UNREACHABLE,
        "WhatsApp can't reach this contact: the number has no WhatsApp, uses an old version, or "
        "has not accepted the new terms.",
    ),
    OPTED_OUT: Meaning(
        Refusal.UNREACHABLE,
        "The contact stopped marketing messages from this business.",
        mark="opted_out",
    ),
    130472: Meaning(
        Refusal.REJECTED, "Meta did not deliver the message: the contact is part of an experiment."
    ),
    130497: Meaning(
        Refusal.REJECTED, "Meta does not allow this business to message people in this country."
    ),
    131021: Meaning(Refusal.REJECTED, "Sender and recipient are the same number."),
    131030: Meaning(
        Refusal.REJECTED,
        "This is a test number: it can message only those listed in Meta's app dashboard.",
    ),
    131047: Meaning(
        Refusal.REJECTED,
        "More than 24 hours have passed since this contact last wrote. Send a template instead.",
    ),
    131049: Meaning(
        Refusal.REJECTED,
        "Meta did not deliver the message: this contact receives a lot of marketing. Wait a day "
        "before you send again.",
    ),
    132000: Meaning(
        Refusal.REJECTED, "The template has a different number of variables. Compare them."
    ),
    132001: Meaning(
        Refusal.REJECTED,
        "WhatsApp has no approved template of this name in this language. Check both.",
        for_everybody=True,
    ),
    132005: Meaning(Refusal.REJECTED, "With its variables filled in, the template is too long."),
    132007: Meaning(
        Refusal.REJECTED, "The template has characters or formatting that WhatsApp does not allow."
    ),
    132012: Meaning(
        Refusal.REJECTED,
        "A variable does not have the format that the template requires. Compare them.",
    ),
    132015: Meaning(
        Refusal.REJECTED,
        "Meta paused the template because of its low quality. Resume the broadcast once WhatsApp "
        "Manager shows the template as active.",
        for_everybody=True,
    ),
    132016: Meaning(
        Refusal.REJECTED,
        "Meta disabled the template because of its low quality. Use another one.",
        for_everybody=True,
    ),
    132018: Meaning(
        Refusal.REJECTED,
        "A variable of the template has a line break, a tab or more than four spaces in a row.",
    ),
    0: BAD_TOKEN,
    190: BAD_TOKEN,
    3: _NO_RIGHT,
    10: _NO_RIGHT,
    131005: _NO_RIGHT,
    33: _NO_NUMBER,
    368: Meaning(
        Refusal.MISCONFIGURED,
        "Meta restricted the WhatsApp Business account for a policy violation. "
        "See WhatsApp Manager.",
    ),
    131031: Meaning(
        Refusal.MISCONFIGURED,
        "Meta locked the WhatsApp Business account. See WhatsApp Manager.",
    ),
    131037: Meaning(
        Refusal.MISCONFIGURED,
        "The display name of the number is not approved. See WhatsApp Manager.",
    ),
    131042: Meaning(
        Refusal.MISCONFIGURED,
        "Meta can't charge the WhatsApp Business account. Check its payment method.",
    ),
    131045: _NOT_REGISTERED,
    133010: _NOT_REGISTERED,
    1: _FAULT,
    2: _FAULT,
    131000: _FAULT,
    131016: _FAULT,
    133004: _FAULT,
}


class Failure(NamedTuple):
    """Why a message failed that WhatsApp had accepted."""

    code: str = ""
    sentence: str = ""
    unreachable: bool = False  # no message gets through to this person


def failure(error: Mapping[str, Any], secrets: Iterable[str]) -> Failure:
    """What the error in a status “failed” says, which may be nothing."""
    code = code_of(error)
    if code is None:
        return Failure()
    meaning = meaning_of(code, error)
    if meaning is not None:
        return Failure(str(code), meaning.sentence, meaning.refusal is Refusal.UNREACHABLE)
    words = words_of(error, secrets)
    sentence = f"WhatsApp reported: {words}." if words else "WhatsApp reported a failure."
    return Failure(str(code), sentence)


def meaning_of(code: int, error: Mapping[str, Any]) -> Meaning | None:
    """What an error with this code means; None for one that is not listed."""
    # 100 is “invalid parameter”, of the message as a rule; with this subcode it is the address.
    if code == 100 and error.get("error_subcode") == 33:
        return _NO_NUMBER
    if 200 <= code <= 299:
        return _NO_RIGHT
    return MEANINGS.get(code)
