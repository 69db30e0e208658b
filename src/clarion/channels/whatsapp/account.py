"""What Meta decides about an account and its number, from the updates that report it.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update
and …/phone_number_quality_update. The fields are those that Wati and YCloud pass on from Meta.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from clarion.channels import payloads
from clarion.channels.account_events import AccountReported
from clarion.channels.contract import Event, Ignored
from clarion.channels.whatsapp import limits

ACCOUNT: Final = "account_update"
CHANGES: Final = limits.CHANGES | {ACCOUNT}
_SEE: Final = "See WhatsApp Manager."
_BANS: Final[Mapping[str, AccountReported]] = {
    "DISABLE": AccountReported(f"Meta disabled the WhatsApp Business account. {_SEE}", stops=True),
    "SCHEDULE_FOR_DISABLE": AccountReported(
        f"Meta will disable the WhatsApp Business account. {_SEE}"
    ),
    "REINSTATE": AccountReported(
        "Meta reinstated the WhatsApp Business account. Resume the channel if it is paused.",
        good=True,
    ),
}
_OTHER_NUMBER: Final = Ignored("An update is about another phone number of the same account.")
_WHICH_NUMBER: Final = Ignored(
    "An update about a phone number has no effect: check the channel, so that its number is known."
)
_MAY_NOT_BEGIN: Final = "RESTRICTED_BIZ_INITIATED_MESSAGING"
_RESTRICTED: Final = AccountReported(
    f"Meta does not let the account begin conversations for now: templates are refused. {_SEE}",
    stops=True,
)
_QUALITIES: Final[Mapping[str, AccountReported]] = {
    "FLAGGED": AccountReported(
        f"Meta flagged the number: many people blocked or reported it. {_SEE}"
    ),
    "DOWNGRADE": AccountReported(f"Meta lowered the messaging limit of the number. {_SEE}"),
    "UNFLAGGED": AccountReported("The quality of the number is good again.", good=True),
}


def digits_of(value: object) -> str:
    """A number as it is compared: “+1 555-078-3881” in a check is “15550783881” in updates."""
    return "".join(filter(str.isdecimal, payloads.text(value, 40)))


def changes_of(field: str, value: Mapping[str, Any], number: str) -> Iterator[Event]:
    """What an update of the channel's account with one of the fields CHANGES reports.

    ``number``: the digits of the channel's number, "" where they are not known. The messaging limit
    is one of all numbers of the account, the quality is one of a number.
    """
    event = payloads.text(value.get("event"), 60).upper()
    if field != ACCOUNT:
        quality = _QUALITIES.get(event)
        limit = limits.change_of(value)
        if quality is not None and not number:
            yield _WHICH_NUMBER
        elif quality is not None:
            is_ours = digits_of(value.get("display_phone_number")) == number
            yield quality if is_ours else _OTHER_NUMBER
        if quality is None or not isinstance(limit, Ignored):
            yield limit
        return
    ban = payloads.text(payloads.part(value.get("ban_info")).get("waba_ban_state"), 40).upper()
    if ban in _BANS:
        yield _BANS[ban]
        return
    restrictions = payloads.objects(value.get("restriction_info"))
    if any(each.get("restriction_type") == _MAY_NOT_BEGIN for each in restrictions):
        yield _RESTRICTED
        return
    if event == "ACCOUNT_VIOLATION":
        kind = payloads.text(payloads.part(value.get("violation_info")).get("violation_type"), 60)
        named = kind.replace("_", " ").lower()
        yield AccountReported(
            f"Meta reported a policy violation{f' ({named})' if named else ''}. {_SEE}"
        )
        return
    yield Ignored(f"An update of the account, “{event.lower()}”, has no effect here.")
