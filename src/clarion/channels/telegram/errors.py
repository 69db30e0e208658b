"""What the descriptions of the Bot API's errors mean for the engine.

The texts are those of tdlib/telegram-bot-api (`Client::fail_query_with_error` in Client.cpp) and
of https://core.telegram.org/bots/api.
"""

from typing import Literal, NamedTuple

from clarion.channels.contract import Refusal
from clarion.channels.telegram.requests import BUTTON_DATA, CAPTION


class Meaning(NamedTuple):
    """What a description says: the class, a sentence, and how an address is marked."""

    refusal: Refusal
    sentence: str
    mark: Literal["blocked", "deactivated", "unreachable"] = "unreachable"
    for_everybody: bool = False  # see Refused


_GONE = Refusal.UNREACHABLE
_NO_RIGHTS = Meaning(
    _GONE, "The bot is not allowed to write in this group or channel. Make it an admin."
)
_NO_CHAT = Meaning(
    _GONE, "Telegram has no such chat, or this contact has never written to the bot."
)
_LONG_CAPTION = Meaning(
    Refusal.REJECTED, f"The text beside a picture or file is longer than {CAPTION:,} characters."
)
_NOT_FETCHED = Meaning(
    Refusal.REJECTED,
    "Telegram can't download the picture or file from its URL. Open it to see why.",
)
# A file_id that Telegram does not know any more; the same words are about URLs.
FILE_GONE = Meaning(
    Refusal.REJECTED,
    "Telegram does not accept the URL of the picture or file. Upload the file instead.",
)
# It is about the text itself: what Clarion's own check let through is wrong for everybody.
BAD_MARKUP = Meaning(
    Refusal.REJECTED,
    "Telegram can't read the formatting of the text. Correct its markup, or choose Plain text.",
    for_everybody=True,
)
_NO_PICTURE = Meaning(Refusal.REJECTED, "Telegram can't read the picture. Use another one.")
_BAD_LINK = Meaning(
    Refusal.REJECTED, "Telegram does not accept the URL of a link button. Correct it."
)
# Looked for in the description of a 400 or 403, in this order.
DESCRIPTIONS: dict[str, Meaning] = {
    "bot was blocked by the user": Meaning(_GONE, "The contact blocked the bot.", "blocked"),
    "user is deactivated": Meaning(
        _GONE, "The contact's Telegram account is deactivated.", "deactivated"
    ),
    "group chat was deactivated": Meaning(_GONE, "The group was deleted.", "deactivated"),
    "chat was deleted": Meaning(_GONE, "The group was deleted.", "deactivated"),
    "bot was kicked": Meaning(_GONE, "The bot was removed from this group.", "blocked"),
    "bot is not a member": Meaning(_GONE, "The bot is not in this group or channel. Add it."),
    "bot can't initiate conversation": Meaning(_GONE, "This contact has never written to the bot."),
    "bot can't send messages to bots": Meaning(
        _GONE, "This is a bot, not a contact who can receive messages."
    ),
    "bots can't send messages to bots": Meaning(
        _GONE, "This is a bot, not a contact who can receive messages."
    ),
    "upgraded to a supergroup": Meaning(
        _GONE, "The group became a supergroup with another chat id. Add it under its new id."
    ),
    "chat not found": _NO_CHAT,
    "user not found": _NO_CHAT,
    "PEER_ID_INVALID": _NO_CHAT,
    "chat_id is empty": _NO_CHAT,
    "have no rights to send": _NO_RIGHTS,
    "not enough rights": _NO_RIGHTS,
    "need administrator rights": _NO_RIGHTS,
    "CHAT_WRITE_FORBIDDEN": _NO_RIGHTS,
    "message is too long": Meaning(
        Refusal.REJECTED, "The text is longer than the 4,096 characters that Telegram accepts."
    ),
    "message text is empty": Meaning(Refusal.REJECTED, "The text is empty."),
    "caption is too long": _LONG_CAPTION,
    "MEDIA_CAPTION_TOO_LONG": _LONG_CAPTION,
    "can't parse entities": BAD_MARKUP,
    "wrong file identifier": FILE_GONE,
    "wrong remote file identifier": FILE_GONE,
    "wrong file_id": FILE_GONE,
    "FILE_REFERENCE_": FILE_GONE,
    "FILE_ID_INVALID": FILE_GONE,
    "can't use file of type": FILE_GONE,
    "failed to get HTTP URL content": _NOT_FETCHED,
    "wrong HTTP URL specified": _NOT_FETCHED,
    "wrong type of the web page content": _NOT_FETCHED,
    "IMAGE_PROCESS_FAILED": _NO_PICTURE,
    "PHOTO_INVALID_DIMENSIONS": _NO_PICTURE,
    "BUTTON_URL_INVALID": _BAD_LINK,
    "inline keyboard button URL": _BAD_LINK,
    "BUTTON_DATA_INVALID": Meaning(
        Refusal.REJECTED, f"A reply button sends back nothing, or more than {BUTTON_DATA} bytes."
    ),
    # Among the errors of https://core.telegram.org/method/messages.sendMessage, which is what the
    # Bot API calls; that it passes this one on was not verified.
    "BALANCE_TOO_LOW": Meaning(
        Refusal.MISCONFIGURED,
        "The bot has too few Telegram Stars for paid broadcasts. Add Stars to its balance, or turn "
        "paid broadcasts off.",
    ),
    "Logged out": Meaning(
        Refusal.MISCONFIGURED, "The bot is logged out of this Bot API server. Log it in again."
    ),
}
