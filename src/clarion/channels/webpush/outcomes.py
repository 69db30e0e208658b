"""What a push service answers: RFC 8030 sections 5 to 8, RFC 8292 section 2 and 4.2.

What the services add to that: https://mozilla-services.github.io/autopush-rs/errors.html,
https://learn.microsoft.com/windows/apps/design/shell/tiles-and-notifications/push-request-response-headers
and https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers.
"""

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
_WRONG_TOKEN = frozenset({"BadJwtToken", "ExpiredJwtToken"})


def refused(reply: HttpReply) -> Refused:
    """What a reply means that is not 2xx. Never raises."""
    status, code = reply.status, str(reply.status)
    reason = str(json_object(reply.body).get("reason", ""))  # as Apple gives it
    if status == 429:
        sentence = "The push service asks us to wait (429, too many requests)."
        return Refused(Refusal.THROTTLED, sentence, code, wait_seconds(reply, DEFAULT_WAIT))
    if status in (404, 410):
        return Refused(Refusal.UNREACHABLE, _GONE.format(status=status), code)
    if reason in _WRONG_TOKEN:
        return Refused(Refusal.MISCONFIGURED, _ACCOUNT.format(status=status), code)
    if status in (401, 403) or reason == "VapidPkHashMismatch":
        # Of one subscription: anybody can post one that was made with another key, and must not
        # pause the channel with it. A broadcast of which too much is refused is paused anyway.
        return Refused(Refusal.REJECTED, _KEY.format(status=status), code)
    if status == 413:
        sentence = "The message is larger than the push service accepts (413). Shorten it."
        return Refused(Refusal.REJECTED, sentence, code)
    if status == 503:
        # Autopush: “the server is temporarily unable to process this message; use back-off”.
        sentence = "The push service accepts nothing at the moment (503)."
        return Refused(Refusal.RETRY, sentence, code, wait_seconds(reply))
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
