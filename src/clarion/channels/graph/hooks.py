"""Proving that a callback is from Meta, and answering Meta's try of a webhook URL."""

import hmac
import re
from urllib.parse import parse_qs

from clarion.channels.contract import BadSignature, HookRequest

SIGNATURE_HEADER = "x-hub-signature-256"
_CHALLENGE = re.compile(r"[\w.-]{1,200}", re.ASCII)


def ensure_signed(hook: HookRequest, app_secret: bytes) -> None:
    """HMAC-SHA256 of the raw body with the app secret; without one nothing is believed.

    Raises BadSignature. https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    """
    expected = "sha256=" + hmac.digest(app_secret, hook.body, "sha256").hex()
    signature = hook.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
    if not app_secret or not hmac.compare_digest(expected.encode(), signature):
        raise BadSignature("The signature is missing or wrong.")


def challenge_of(query: str, verify_token: str) -> str:
    """The challenge that goes back to Meta if it knows the verify token. Raises BadSignature.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
    """
    fields = {name: values[0] for name, values in parse_qs(query, errors="replace").items()}
    token = fields.get("hub.verify_token", "").encode("utf-8", "replace")
    is_ours = hmac.compare_digest(verify_token.encode(), token)
    if fields.get("hub.mode") != "subscribe" or not verify_token or not is_ours:
        raise BadSignature("The verify token is missing or wrong.")
    challenge = fields.get("hub.challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        raise BadSignature("The challenge is missing or not valid.")
    return challenge
