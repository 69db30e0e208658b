"""What an answer of the Bot API means that is not the good one.

Codes: `Query::set_retry_after_error` in tdlib/telegram-bot-api's Query.cpp, and
https://core.telegram.org/bots/api#making-requests.
"""

import re
from collections.abc import Iterable, Mapping

from clarion.channels import payloads
from clarion.channels.contract import Refusal, Refused
from clarion.channels.replies import DEFAULT_WAIT, wait_seconds
from clarion.channels.telegram.errors import DESCRIPTIONS, FILE_GONE
from clarion.channels.telegram.ids import is_chat_id
from clarion.channels.wording import tidy
from clarion.transport.messages import HttpReply

_RETRY_AFTER = re.compile(r"retry after (\d{1,9})")
_PREFIX = re.compile(r"^(?:Bad Request|Forbidden|Unauthorized|Internal Server Error): *")
_TOO_MANY = "Too Many Requests"
_SORTS_OF_FILES = ("document", "animation", "video", "audio", "voice")
_TOO_LARGE = (
    "The picture or file is larger than the Bot API server accepts (413). Use a smaller one."
)
_MIGRATED = "The group became a supergroup with another chat id. The message is sent there."
_BAD_TOKEN = "Telegram does not accept the bot's token. Copy it again from @BotFather."  # noqa: S105


def refused(reply: HttpReply, answer: Mapping[str, object], secrets: Iterable[str]) -> Refused:
    """What a reply means that accepts nothing; ``answer`` is its JSON. Never raises."""
    status, description = reply.status, _description(answer)
    code = str(status)
    if status == 429 or description.startswith(_TOO_MANY):  # 500 where it can't tell how long
        return Refused(
            Refusal.THROTTLED,
            "Telegram asks us to wait (429, too many requests).",
            "429",
            _wait(reply, answer, description),
        )
    if moved_to := migrated_to(answer):
        # Not sent, and not this delivery's fault: it is sent to the new id in a moment.
        return Refused(Refusal.THROTTLED, _MIGRATED, code, whole_channel=False, moved_to=moved_to)
    for words, meaning in DESCRIPTIONS.items():
        if status in (400, 403) and words in description:
            return Refused(
                meaning.refusal,
                meaning.sentence,
                code,
                mark=meaning.mark,
                for_everybody=meaning.for_everybody,
                file_gone=meaning is FILE_GONE,
            )
    if status == 413:
        return Refused(Refusal.REJECTED, _TOO_LARGE, code)
    if 300 <= status <= 499 and "ok" not in answer:
        sentence = f"The server that answered ({status}) is not a Bot API server. Check its URL."
        return Refused(Refusal.MISCONFIGURED, sentence, code)
    if status in (401, 404):
        return Refused(Refusal.MISCONFIGURED, _BAD_TOKEN, code)
    if 300 <= status <= 499:
        words = words_of(answer, secrets)
        tail = f": {words}" if words else ""
        return Refused(Refusal.REJECTED, f"Telegram refused the message ({status}){tail}.", code)
    if status >= 500:
        sentence = f"Telegram answered {status}. It may have sent the message."
        return Refused(Refusal.UNKNOWN, sentence, code)
    sentence = "Telegram's answer can't be understood. It may have sent the message."
    return Refused(Refusal.UNKNOWN, sentence, code)


def conflict(answer: Mapping[str, object]) -> str:
    """Why getUpdates is refused with 409, and what to do."""
    if "webhook" in _description(answer):
        return (
            "A webhook is registered for this bot, so Telegram returns no messages. Press "
            "Register on the channel's page to remove it."
        )
    return (
        "Another program fetches the messages of this bot, and Telegram allows only one. Stop it, "
        "or use another bot."
    )


def migrated_to(answer: Mapping[str, object]) -> str:
    """The id of the supergroup that a group became, empty where that is not what happened.

    https://core.telegram.org/bots/api#responseparameters
    """
    new = payloads.identifier(payloads.part(answer.get("parameters")).get("migrate_to_chat_id"))
    return new if is_chat_id(new) else ""


def kept_id_of(message: Mapping[str, object]) -> str:
    """The file_id of the picture or file of a message that was sent; "" where it has none.

    What is sent as a document may be shown as another sort of file, and can be sent as a document
    by that id all the same: https://core.telegram.org/bots/api#sending-files,
    `FileManager::check_input_file_id` in tdlib/td's FileManager.cpp.
    """
    sizes = message.get("photo")
    if isinstance(sizes, list) and sizes:
        return payloads.text(payloads.part(sizes[-1]).get("file_id"), 2_000)  # the largest
    for sort in _SORTS_OF_FILES:
        if sort in message:
            return payloads.text(payloads.part(message[sort]).get("file_id"), 2_000)
    return ""


def words_of(answer: Mapping[str, object], secrets: Iterable[str]) -> str:
    """What Telegram says for people, without its prefix and without secrets; may be empty."""
    return tidy(_PREFIX.sub("", _description(answer)), secrets)


def _description(answer: Mapping[str, object]) -> str:
    description = answer.get("description")
    return description if isinstance(description, str) else ""


def _wait(reply: HttpReply, answer: Mapping[str, object], description: str) -> float:
    """Seconds: from the header, from parameters.retry_after, or from the description."""
    parameters = answer.get("parameters")
    stated = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if stated is None and (match := _RETRY_AFTER.search(description)):
        stated = int(match[1])
    wait = wait_seconds(reply, stated)
    return DEFAULT_WAIT if wait is None else wait
