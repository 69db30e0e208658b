"""What the error codes of the Send API mean for the engine.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes and
https://developers.facebook.com/docs/messenger-platform/reference/send-api/error-codes; of the rate
limits …/docs/graph-api/overview/rate-limiting. Not verified, for they are in neither list: the
subcodes 2534014 and 2534022, and 200 for a person who blocked the account, which were seen in
reports of integrators (https://github.com/howdyai/botkit/issues/559).
"""

from collections.abc import Mapping
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import Refusal
from clarion.channels.graph.errors import Meaning

BAD_TOKEN = Meaning(
    Refusal.MISCONFIGURED, "Meta does not accept the access token. Create a new one and save it."
)
_NO_RIGHT = Meaning(
    Refusal.MISCONFIGURED,
    "The access token is not allowed to send messages from this account. Give the app the "
    "permission to send messages, with advanced access, and create the token again.",
)
_FAULT = Meaning(Refusal.UNKNOWN, "Meta had an internal error.")
OUTSIDE_WINDOW = Meaning(
    Refusal.REJECTED, "More than 24 hours have passed since this contact last wrote."
)
_NOT_RECEIVING = Meaning(
    Refusal.UNREACHABLE, "The contact does not receive messages from this account.", mark="blocked"
)
_NOBODY = Meaning(
    Refusal.UNREACHABLE,
    "Meta knows no person with this id. Ids of people are valid for one page or account only.",
)
_NOT_FETCHED = Meaning(
    Refusal.RETRY, "Meta could not download the picture or file. Its URL must be public."
)
_TOO_LARGE = Meaning(Refusal.REJECTED, "The picture or file is larger than Meta accepts.")
MEANINGS: dict[int, Meaning] = {
    4: Meaning(Refusal.THROTTLED, "The app sends more requests than Meta allows.", 60.0),
    32: Meaning(Refusal.THROTTLED, "The page sends more requests than Meta allows.", 60.0),
    613: Meaning(Refusal.THROTTLED, "The account sends faster than Meta allows.", 60.0),
    80002: Meaning(
        Refusal.THROTTLED, "The account sends more messages a day than Meta allows.", 600.0
    ),
    80006: Meaning(
        Refusal.THROTTLED, "The page sends more messages a day than Meta allows.", 600.0
    ),
    1200: Meaning(Refusal.RETRY, "Meta could not send the message at this moment."),
    551: Meaning(
        Refusal.UNREACHABLE,
        "Meta can't reach this contact: they turned off messages from this account, or are gone.",
    ),
    368: Meaning(
        Refusal.MISCONFIGURED,
        "Meta restricted this account for a policy violation. See the account's quality at Meta.",
    ),
    0: BAD_TOKEN,
    102: BAD_TOKEN,
    190: BAD_TOKEN,
    3: _NO_RIGHT,
    10: _NO_RIGHT,
    1: _FAULT,
    2: _FAULT,
}
BY_SUBCODE: dict[tuple[int, int], Meaning] = {
    (10, 2018065): OUTSIDE_WINDOW,
    (10, 2018278): OUTSIDE_WINDOW,
    (10, 2534022): OUTSIDE_WINDOW,
    (10, 2018108): _NOT_RECEIVING,
    (100, 2018001): _NOBODY,
    (100, 2534014): _NOBODY,
    (100, 2018008): _NOT_FETCHED,
    (100, 2018109): _TOO_LARGE,
}


def meaning_of(code: int, error: Mapping[str, Any]) -> Meaning | None:
    """What an error with this code means; None for one that is not listed."""
    subcode = error.get("error_subcode")
    if isinstance(subcode, int) and (code, subcode) in BY_SUBCODE:
        return BY_SUBCODE[code, subcode]
    words = payloads.text(error.get("message"), 400)
    if code == 10 and "allowed window" in words:
        return OUTSIDE_WINDOW
    if (code == 10 or 200 <= code <= 299) and "This person isn" in words:
        return _NOT_RECEIVING  # it is no right that is missing: nobody else is concerned
    if 200 <= code <= 299:
        return _NO_RIGHT
    return MEANINGS.get(code)
