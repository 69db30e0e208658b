"""The messaging limit of an account, in the words in which Meta reports it.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messaging-limits and
…/webhooks/reference/business_capability_update, …/phone_number_quality_update. It is one of a
business portfolio, whose numbers share it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from clarion.channels.account_events import LimitReported
from clarion.channels.contract import Event, Ignored

FIELD: Final = "whatsapp_business_manager_messaging_limit"
# The updates of an account, and where they name the limit.
CHANGES: Final[frozenset[str]] = frozenset(
    {"business_capability_update", "phone_number_quality_update"}
)
_IN_UPDATES: Final = "max_daily_conversations_per_business"
_TIER = re.compile(r"(?:TIER_)?([0-9]{1,7})(K?)")
_UNLIMITED: Final = frozenset({"TIER_UNLIMITED", "UNLIMITED", "-1"})
_NO_LIMIT_NAMED = Ignored("An update about the account names no messaging limit.")


def reported(value: object) -> LimitReported | None:
    """The limit that “TIER_2K”, 2000, “2000” or “TIER_UNLIMITED” names; None: none."""
    if str(value).upper() in _UNLIMITED:
        return LimitReported(None)
    match = _TIER.fullmatch(str(value))
    people = int(match[1]) * (1_000 if match[2] else 1) if match else 0
    return LimitReported(people) if people else None


def change_of(value: Mapping[str, Any]) -> Event:
    """What an update with one of the fields CHANGES reports."""
    return reported(value.get(_IN_UPDATES, value.get("current_limit"))) or _NO_LIMIT_NAMED
