"""What the statuses of Viber's replies mean for the engine.

https://creators.viber.com/docs/bots-api/errors, and of 18 to 24
https://developers.viber.com/docs/api/rest-bot-api/#error-codes. They come in replies with the HTTP
status 200, and of single recipients in ``failed_list``.
"""

from typing import Literal, NamedTuple

from clarion.channels.contract import Refusal

OK, TOO_MANY = 0, 12


class Meaning(NamedTuple):
    """What a status says: the class, a sentence, and how an address is marked."""

    refusal: Refusal
    sentence: str
    mark: Literal["blocked", "deactivated", "unreachable"] = "unreachable"


_ACCOUNT = Refusal.MISCONFIGURED
_CONTACT = Refusal.UNREACHABLE
_OUTDATED = "The contact's version of Viber can't show this message."
STATUSES: dict[int, Meaning] = {
    1: Meaning(_ACCOUNT, "Viber does not accept the webhook URL. Register it again."),
    2: Meaning(
        _ACCOUNT, "Viber does not accept the token. Copy it again from Viber's admin panel."
    ),
    3: Meaning(Refusal.REJECTED, "Viber can't read the message."),
    4: Meaning(Refusal.REJECTED, "Something that Viber requires is missing in the message."),
    5: Meaning(_CONTACT, "Viber knows no such contact.", "deactivated"),
    6: Meaning(_CONTACT, "The contact is not subscribed to the bot.", "blocked"),
    7: Meaning(_ACCOUNT, "Viber has blocked the bot. Ask Viber's support why."),
    8: Meaning(_ACCOUNT, "Viber has no bot with this token. Copy it again from the admin panel."),
    9: Meaning(_ACCOUNT, "Viber has suspended the bot. Ask Viber's support why."),
    10: Meaning(_ACCOUNT, "The bot has no webhook. Register it on this channel's page."),
    11: Meaning(_CONTACT, "The contact's device or version of Viber supports no bots."),
    13: Meaning(Refusal.REJECTED, _OUTDATED),
    14: Meaning(Refusal.REJECTED, _OUTDATED),
    15: Meaning(_ACCOUNT, "Viber has not authorised the bot. Ask Viber's support why."),
    16: Meaning(Refusal.REJECTED, "Viber does not allow this message in the chat."),
    17: Meaning(Refusal.REJECTED, "Viber does not allow this message from the bot."),
    18: Meaning(Refusal.REJECTED, "Viber does not allow this message from the bot."),
    # Of one request for many: what one request each is answered is another thing.
    19: Meaning(Refusal.REJECTED, "Viber did not send the broadcast message."),
    20: Meaning(Refusal.REJECTED, "Viber has not approved the bot for broadcast messages."),
    21: Meaning(_CONTACT, "Viber does not send such messages to the contact's country."),
    22: Meaning(Refusal.REJECTED, "The bot does not support payments."),
    23: Meaning(_ACCOUNT, "The bot has used its free messages of this month. Ask Viber for more."),
    24: Meaning(_ACCOUNT, "The bot has no balance left. Top it up at Viber."),
}
