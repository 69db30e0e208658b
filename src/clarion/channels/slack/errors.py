"""What the errors of chat.postMessage mean for the engine.

https://docs.slack.dev/reference/methods/chat.postMessage#errors; those of all methods are in the
same list. Slack answers them with HTTP 200 and ``"ok": false``.
"""

from typing import Literal, NamedTuple

from clarion.channels.contract import Refusal
from clarion.channels.replies import DEFAULT_WAIT


class Meaning(NamedTuple):
    """What an error says: the class, a sentence, and how an address is marked."""

    refusal: Refusal
    sentence: str
    mark: Literal["blocked", "deactivated", "unreachable"] = "unreachable"
    wait: float = DEFAULT_WAIT  # seconds, where Slack asks for none


_LONG = 60.0  # of what does not end by itself soon
_GONE, _REJECTED = Refusal.UNREACHABLE, Refusal.REJECTED
_TOKEN = Meaning(
    Refusal.MISCONFIGURED, "Slack does not accept the bot token. Copy it again from your app."
)
_RIGHTS = Meaning(
    Refusal.MISCONFIGURED,
    "The app is not allowed to send messages in this workspace. Check its scopes and the "
    "workspace's policy, and install it again.",
)
_RESTRICTED = Meaning(
    _GONE, "A setting of the workspace or the channel does not let the app post there."
)
_NOBODY = Meaning(_GONE, "Slack has no such user or channel, or the app can't see it.")
_BLOCKS = Meaning(_REJECTED, "Slack does not accept the picture or the buttons of this message.")
_MAYBE = Meaning(Refusal.UNKNOWN, "Slack reported an internal error. It may have sent the message.")
_WAIT = Meaning(Refusal.THROTTLED, "Slack asks us to wait: too many messages.")
ERRORS: dict[str, Meaning] = {
    "channel_not_found": _NOBODY,
    "user_not_found": _NOBODY,
    "users_not_found": _NOBODY,
    "user_not_visible": _NOBODY,
    "cannot_dm_bot": Meaning(_GONE, "This is a bot, not a contact who can receive messages."),
    "user_disabled": Meaning(_GONE, "The contact's Slack account is deactivated.", "deactivated"),
    "is_archived": Meaning(_GONE, "The Slack channel is archived.", "deactivated"),
    "not_in_channel": Meaning(_GONE, "The app is not in this Slack channel. Invite it."),
    "restricted_action": _RESTRICTED,
    "restricted_action_read_only_channel": _RESTRICTED,
    "restricted_action_thread_only_channel": _RESTRICTED,
    "restricted_action_non_threadable_channel": _RESTRICTED,
    "as_user_not_supported": _RIGHTS,
    "messages_tab_disabled": Meaning(
        Refusal.MISCONFIGURED,
        "The app takes no messages. Turn on the Messages Tab in App Home of your app.",
    ),
    "msg_too_long": Meaning(_REJECTED, "The text is longer than Slack accepts. Shorten it."),
    "msg_blocks_too_long": Meaning(_REJECTED, "The message is longer than Slack accepts."),
    "no_text": Meaning(_REJECTED, "The text is empty."),
    "markdown_text_conflict": _BLOCKS,
    "invalid_blocks": _BLOCKS,
    "invalid_blocks_format": _BLOCKS,
    "invalid_attachments": _BLOCKS,
    "ratelimited": _WAIT,
    "rate_limited": _WAIT,
    "message_limit_exceeded": Meaning(
        Refusal.THROTTLED, "The workspace has reached its limit of messages.", wait=_LONG
    ),
    "team_added_to_org": Meaning(
        Refusal.THROTTLED, "Slack is moving the workspace to another organisation.", wait=_LONG
    ),
    "internal_error": _MAYBE,
    "fatal_error": _MAYBE,
    "request_timeout": _MAYBE,
    "service_unavailable": _MAYBE,
    "not_authed": _TOKEN,
    "invalid_auth": _TOKEN,
    "account_inactive": _TOKEN,
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
    "not_allowed_token_type": _TOKEN,
    "missing_scope": _RIGHTS,
    "no_permission": _RIGHTS,
    "access_denied": _RIGHTS,
    "accesslimited": _RIGHTS,
    "ekm_access_denied": _RIGHTS,
    "enterprise_is_restricted": _RIGHTS,
    "org_login_required": _RIGHTS,
    "team_access_not_granted": _RIGHTS,
    "team_not_found": _RIGHTS,
    "two_factor_setup_required": _RIGHTS,
    "deprecated_endpoint": _RIGHTS,
    "method_deprecated": _RIGHTS,
}
