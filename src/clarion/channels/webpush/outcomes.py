"""What a push service answers: RFC 8030 sections 5 to 8, RFC 8292 section 2 and 4.2.

What the services add to that: https://mozilla-services.github.io/autopush-rs/errors.html,
https://learn.microsoft.com/windows/apps/design/shell/tiles-and-notifications/push-request-response-headers
and https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.transport.messages import HttpReply

_GONE = "The browser is no longer subscribed: the push service has removed it ({status})."
_KEY = (
    "The push service does not accept the key of this channel for this subscription ({status}). "
    "If the private key was changed, contacts must subscribe again; else check the contact for "
    "push services."
)
_ACCOUNT = (
    "The push service does not accept this channel ({status}). Check the contact for push services "
    "and the clock of this server."
)


class Meaning(NamedTuple):
    """What a push service says: the class, and a sentence."""

    refusal: Refusal
    sentence: str


# Of one subscription: anybody can post one that was made with another key, and must not pause the
# channel with it. A broadcast of which too much is refused is paused anyway.
_OTHER_KEY: Final = Refusal.REJECTED
_STATUSES: Final[Mapping[int, Meaning]] = {
    404: Meaning(Refusal.UNREACHABLE, _GONE.format(status=404)),
    410: Meaning(Refusal.UNREACHABLE, _GONE.format(status=410)),
    401: Meaning(_OTHER_KEY, _KEY.format(status=401)),
    403: Meaning(_OTHER_KEY, _KEY.format(status=403)),
    413: Meaning(
        Refusal.REJECTED, "The message is larger than the push service accepts (413). Shorten it."
    ),
    429: Meaning(Refusal.THROTTLED, "The push service asks us to wait (429, too many requests)."),
    # Autopush: “the server is temporarily unable to process this message; use back-off”.
    503: Meaning(Refusal.RETRY, "The push service accepts nothing at the moment (503)."),
}
# As Apple gives them, with the statuses that it has for them.
_REASONS: Final[Mapping[str, Meaning]] = {
    "BadJwtToken": Meaning(Refusal.MISCONFIGURED, _ACCOUNT.format(status=403)),
    "ExpiredJwtToken": Meaning(Refusal.MISCONFIGURED, _ACCOUNT.format(status=403)),
    "VapidPkHashMismatch": Meaning(_OTHER_KEY, _KEY.format(status=400)),
}


def listed_errors() -> Iterable[ListedError]:
    """What push services say by a status, and Apple by a reason."""
    return listed({**_STATUSES, **_REASONS})


def refused(reply: HttpReply) -> Refused:
    """What a reply means that is not 2xx. Never raises."""
    status, code = reply.status, str(reply.status)
    reason = str(json_object(reply.body).get("reason", ""))  # as Apple gives it
    if status in (404, 410, 429) or reason not in _REASONS:
        meaning = _STATUSES.get(status)
    else:
        meaning = _REASONS[reason]
    if meaning is not None:
        wait = wait_seconds(reply, DEFAULT_WAIT if status == 429 else None)
        waits = meaning.refusal in (Refusal.THROTTLED, Refusal.RETRY)
        return Refused(meaning.refusal, meaning.sentence, code, wait if waits else None)
    if 300 <= status <= 399:
        sentence = f"The push service redirects ({status}). The contact must subscribe again."
        return Refused(Refusal.REJECTED, sentence, code)
    if 400 <= status <= 499:
        return Refused(Refusal.REJECTED, f"The push service refused the message ({status}).", code)
    if status >= 500:
        sentence = f"The push service answered {status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "The push service's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)
