"""What an answer of the API means that is not a message.

https://docs.discord.com/developers/topics/opcodes-and-status-codes (JSON error codes) and
https://docs.discord.com/developers/topics/rate-limits.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from clarion.channels import payloads
from clarion.channels.contract import Refusal, Refused
from clarion.channels.discord.guard import MOST
from clarion.channels.discord.ids import is_snowflake
from clarion.channels.replies import DEFAULT_WAIT, wait_seconds
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

OPENED = "The channel of direct messages is open now. The message is sent there."
_GUARDED = (
    f"Discord refused {MOST:,} requests within ten minutes. It bans the IP address of a server "
    "that makes 10,000, so the channel is paused. Remove the contacts that can't be reached."
)
_DIRECT = 1  # the type of a channel of direct messages


class Meaning(NamedTuple):
    """What an error says: the class, a sentence, and how an address is marked."""

    refusal: Refusal
    sentence: str
    mark: Literal["blocked", "deactivated", "unreachable"] = "unreachable"


_GONE, _REJECTED = Refusal.UNREACHABLE, Refusal.REJECTED
_RIGHTS = Meaning(_GONE, "The bot has no permission to send messages in this Discord channel.")
ERRORS: dict[int, Meaning] = {
    10003: Meaning(_GONE, "Discord has no such channel. It was deleted.", "deactivated"),
    10013: Meaning(_GONE, "Discord has no such user.", "deactivated"),
    20028: Meaning(Refusal.THROTTLED, "The Discord channel has reached its limit of messages."),
    30046: Meaning(_REJECTED, "Discord refuses more changes of this message."),
    40001: Meaning(Refusal.MISCONFIGURED, "Discord does not accept the bot token."),
    40002: Meaning(Refusal.MISCONFIGURED, "Discord demands that the bot's account is verified."),
    40003: Meaning(Refusal.THROTTLED, "Discord asks us to open direct messages more slowly."),
    40333: Meaning(Refusal.MISCONFIGURED, "Discord's firewall blocks this server."),
    50001: Meaning(_GONE, "The bot has no access to this Discord channel."),
    50007: Meaning(
        _GONE,
        "Discord can't deliver messages to this contact: they blocked the bot or allow no direct "
        "messages.",
        "blocked",
    ),
    50008: Meaning(_GONE, "Messages can't be sent in this kind of Discord channel."),
    50013: _RIGHTS,
    50278: Meaning(_GONE, "The bot and this contact are in no common Discord server any more."),
    50006: Meaning(_REJECTED, "The message is empty."),
    50035: Meaning(_REJECTED, "Discord refuses the content of the message: too long, or wrong."),
    240000: Meaning(_REJECTED, "Discord refuses a link in the message as harmful."),
}


def opened(answer: Mapping[str, object]) -> str:
    """The id of the channel of direct messages that was opened, empty for any other answer."""
    channel = payloads.identifier(answer.get("id"))
    is_opened = answer.get("type") == _DIRECT and "content" not in answer
    return channel if is_opened and "recipients" in answer and is_snowflake(channel) else ""


def guarded() -> Refused:
    """Too many requests were invalid: no other may follow."""
    return Refused(Refusal.MISCONFIGURED, _GUARDED, "invalid-requests")


def refused(reply: HttpReply, answer: Mapping[str, object], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON. Never raises."""
    status, number = reply.status, answer.get("code")
    is_number = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**7
    code = str(number) if is_number else str(status)
    meaning = ERRORS.get(int(code)) if is_number and status < 500 and status != 429 else None
    if status == 429 or (meaning and meaning.refusal is Refusal.THROTTLED):
        return _throttled(reply, answer, meaning, code)
    if meaning:
        return Refused(meaning.refusal, meaning.sentence, code, mark=meaning.mark)
    if status == 401:
        sentence = "Discord does not accept the bot token. Copy it again from your application."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if 300 <= status <= 499 and not is_number and "message" not in answer:
        sentence = f"The server that answered ({status}) is not Discord's. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if 300 <= status <= 499:
        words = tidy(payloads.text(answer.get("message")), secrets)
        tail = f": {words}" if words else ""
        return Refused(_REJECTED, f"Discord refused the message ({status}){tail}.", code)
    if status >= 500:
        sentence = f"Discord answered {status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "Discord's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def _throttled(
    reply: HttpReply, answer: Mapping[str, object], meaning: Meaning | None, code: str
) -> Refused:
    """The body has fractions of seconds, the header whole ones, rounded up."""
    stated = HttpReply(reply.status, {}, b"")
    wait = wait_seconds(stated, answer.get("retry_after"))
    wait = wait_seconds(reply, DEFAULT_WAIT) if wait is None else wait
    sentence = meaning.sentence if meaning else "Discord asks us to wait (429, too many requests)."
    return Refused(Refusal.THROTTLED, sentence, code, wait)
