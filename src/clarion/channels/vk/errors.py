"""What VK's errors mean for the engine: errors.json of VKCOM/vk-api-schema, version 5.199, and
https://dev.vk.com/method/messages.send. VK answers them with HTTP 200."""

from typing import Literal, NamedTuple

from clarion.channels.contract import Refusal


class Meaning(NamedTuple):
    """What an error says: the class, a sentence, how an address is marked, how long to wait."""

    refusal: Refusal
    sentence: str
    mark: Literal["blocked", "deactivated", "unreachable"] = "unreachable"
    wait: float = 1.0  # seconds, with THROTTLED
    whole_channel: bool = True


_GONE, _REJECTED = Refusal.UNREACHABLE, Refusal.REJECTED
_MAYBE = Meaning(Refusal.UNKNOWN, "VK reported an internal error. It may have sent the message.")
_TOKEN = Meaning(
    Refusal.MISCONFIGURED, "VK does not accept the access token. Copy it again from the community."
)
_RIGHTS = Meaning(
    Refusal.MISCONFIGURED,
    "VK does not let this access token send messages. Check its rights, and that messages of the "
    "community are turned on.",
)
_HUMAN = Meaning(
    Refusal.MISCONFIGURED,
    "VK wants a person to prove that the account is theirs. Log in to VK and follow its "
    "instructions.",
)
_DELETED = Meaning(_GONE, "The contact's VK account is deleted or banned.", "deactivated")
_NOBODY = Meaning(_GONE, "VK has no such person or conversation.")
_CHAT = Meaning(_GONE, "The community has no access to this conversation.")
_NOT_ALLOWED = Meaning(_GONE, "This contact does not allow messages from the community.", "blocked")
ERRORS: dict[int, Meaning] = {
    1: _MAYBE,
    2: _RIGHTS,
    4: _TOKEN,
    5: _TOKEN,
    6: Meaning(Refusal.THROTTLED, "VK asks us to wait: too many requests per second."),
    7: _RIGHTS,
    9: Meaning(
        Refusal.THROTTLED,
        "VK asks us to wait: too many similar actions.",
        wait=60.0,
        whole_channel=False,
    ),
    10: _MAYBE,
    14: _HUMAN,
    15: _RIGHTS,
    17: _HUMAN,
    18: _DELETED,
    20: _RIGHTS,
    23: _RIGHTS,
    27: _TOKEN,
    28: _TOKEN,
    29: Meaning(Refusal.THROTTLED, "VK's limit of requests is reached.", wait=60.0),
    36: _MAYBE,
    37: _DELETED,
    39: _NOBODY,
    42: Meaning(Refusal.MISCONFIGURED, "VK does not accept requests from this server's address."),
    100: Meaning(_REJECTED, "VK does not accept the content of the message."),
    113: _NOBODY,
    900: Meaning(_GONE, "This contact is in the community's blacklist.", "blocked"),
    901: _NOT_ALLOWED,
    902: Meaning(_GONE, "The contact's privacy settings allow no messages.", "blocked"),
    910: Meaning(_REJECTED, "The message is larger than VK accepts."),
    911: Meaning(_REJECTED, "VK does not accept the buttons of this message."),
    912: Meaning(
        Refusal.MISCONFIGURED,
        "Buttons need the bot abilities. Turn them on in the messages settings of the community.",
    ),
    913: Meaning(_REJECTED, "VK does not accept the content of the message."),
    914: Meaning(_REJECTED, "The text is longer than VK accepts. Shorten it."),
    917: _CHAT,
    922: _CHAT,
    927: _CHAT,
    932: _CHAT,
    935: _CHAT,
    936: _NOBODY,
    945: _CHAT,
    946: _CHAT,
    950: Meaning(_GONE, "VK lets the community answer this contact for a limited time only."),
    985: _CHAT,
    1012: _CHAT,
    1117: _TOKEN,
    3300: _HUMAN,
    3610: _DELETED,
    3611: _DELETED,
}
