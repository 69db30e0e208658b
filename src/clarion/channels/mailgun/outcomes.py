"""What Mailgun's answers mean.

Statuses: https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview. A 4xx is its
word that it did not take the message; a 5xx may be about one that is queued already.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.channels.payloads import identifier
from clarion.channels.replies import DEFAULT_WAIT, json_object, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_WRONG = Refusal.MISCONFIGURED
BAD_KEY: Final = "Mailgun does not accept the API key. Check the key and the region."
_NO_DOMAIN: Final = (
    "Mailgun knows no such sending domain in this region. Check the domain and the region."
)
# Words of the “message” of a 400 or 403, as Mailgun's users report them, in this order.
WORDS: Final[tuple[tuple[str, Refusal, str], ...]] = (
    ("'to' parameter is not a valid", Refusal.UNREACHABLE,
     "Mailgun refused the recipient's address."),
    ("to parameter is not a valid", Refusal.UNREACHABLE,
     "Mailgun refused the recipient's address."),
    ("'from' parameter", _WRONG, "Mailgun refused the sender. Check the sender of this channel."),
    ("not allowed to send", _WRONG,
     "Mailgun does not let this domain or account send. Its dashboard says why."),
    ("sandbox subdomains", _WRONG,
     "This is a sandbox domain: Mailgun sends from it only to recipients authorized there."),
    ("activate your mailgun account", _WRONG,
     "The Mailgun account is not activated yet. Activate it in its dashboard."),
    ("account is disabled", _WRONG, "Mailgun has disabled this account. Ask its support why."),
    ("limit", Refusal.THROTTLED, "The sending limit of the Mailgun account is used up for now."),
)  # fmt: skip
_LIMIT_WAIT: Final = 600.0  # seconds; limits are by the hour, the day or the month


def outcome_of(reply: HttpReply, secrets: Iterable[str]) -> Outcome:
    """What to make of a reply. Never raises; ``secrets`` never show up in the reason."""
    answer = json_object(reply.body)
    message_id = identifier(answer.get("id")).strip("<>")
    if reply.status == 200 and message_id:
        return Accepted(message_id)
    return refused(reply, answer, secrets)


def refused(reply: HttpReply, answer: Mapping[str, Any], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON."""
    status, code = reply.status, str(reply.status)
    words = str(answer.get("message", ""))
    if status == 429:
        sentence = "Mailgun asks us to send more slowly (429)."
        return Refused(Refusal.THROTTLED, sentence, code, wait_seconds(reply, DEFAULT_WAIT))
    if status in (400, 402, 403):
        return _by_words(words, code, secrets)
    if status == 401:
        return Refused(_WRONG, BAD_KEY, code)
    if status == 404 and answer:
        return Refused(_WRONG, _NO_DOMAIN, code)
    if status == 413:
        sentence = "The message is larger than the 25 MB that Mailgun accepts (413)."
        return Refused(Refusal.REJECTED, sentence, code)
    if 300 <= status <= 499:
        sentence = f"The server that answered ({status}) is not the Mailgun API. Check its URL."
        return Refused(_WRONG, sentence, code)
    if status >= 500:
        sentence = f"Mailgun answered {status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "Mailgun's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def _by_words(words: str, code: str, secrets: Iterable[str]) -> Refused:
    lower = words.lower()
    for part, refusal, sentence in WORDS:
        if part in lower:
            wait = _LIMIT_WAIT if refusal is Refusal.THROTTLED else None
            return Refused(refusal, sentence, code, wait)
    tail = f": {statement}" if (statement := tidy(words, secrets)) else ""
    if code == "400":
        return Refused(Refusal.REJECTED, f"Mailgun refused the message{tail}.", code)
    return Refused(_WRONG, f"Mailgun does not let this account send ({code}){tail}.", code)
