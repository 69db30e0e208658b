"""Words for states and reasons: what people read, and what it means."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clarion.broadcasts import outcomes
from clarion.channels.condition import ChannelCondition
from clarion.clicks import scanners
from clarion.contacts.states import EXPLANATIONS, AddressState

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Word:
    """A label, what it means, and the tone it is shown in."""

    label: Text
    meaning: Text
    tone: str  # calm, plan, busy, live, good, warn, bad: classes of components.css


DELIVERY_STATES: dict[str, Word] = {
    "queued": Word(_("Queued"), _("Waiting to be sent."), "calm"),
    "held": Word(_("Held"), _("In an open chat. Sent when that chat is closed."), "calm"),
    "sending": Word(_("Sending"), _("Being sent to the provider now."), "busy"),
    "sent": Word(_("Sent"), _("The provider has accepted the message."), "good"),
    "delivered": Word(_("Delivered"), _("It has reached the contact's device."), "good"),
    "read": Word(_("Read"), _("The contact has opened it."), "good"),
    "failed": Word(
        _("Failed"),
        _("Every attempt failed, or the provider refused it or reported a failure later."),
        "bad",
    ),
    "skipped": Word(
        _("Skipped"),
        _("Opted out, not reachable, or without consent."),
        "warn",
    ),
    "unsent": Word(_("Unsent"), _("The broadcast was stopped before it was sent."), "warn"),
    "in_doubt": Word(
        _("In doubt"),
        _("It may or may not have arrived: the connection broke before the provider answered."),
        "warn",
    ),
}

BROADCAST_STATES: dict[str, Word] = {
    "draft": Word(_("Draft"), _("Not sent yet. It can be edited."), "calm"),
    "scheduled": Word(_("Scheduled"), _("It will be sent at the scheduled time."), "plan"),
    "sending": Word(_("Sending"), _("Messages are being sent."), "busy"),
    "paused": Word(_("Paused"), _("No messages are sent until it is resumed."), "warn"),
    "stopped": Word(_("Stopped"), _("It was stopped. No more messages will be sent."), "warn"),
    "completed": Word(_("Completed"), _("Everything has been sent."), "good"),
    "missed": Word(_("Missed"), _("The server was down at the scheduled time."), "bad"),
    "live": Word(_("Live"), _("It runs until you stop it."), "live"),
}

# What is shown instead of a state where the state alone would hide something.
BROADCAST_OUTCOMES: dict[str, Word] = {
    outcomes.WAITING: Word(
        _("Waiting"),
        _("Its channels are paused or waiting, or its story's webhook does not answer."),
        "warn",
    ),
    outcomes.WITH_FAILURES: Word(
        _("Completed with failures"), _("It has finished, but some messages failed."), "warn"
    ),
    outcomes.SOME_IN_DOUBT: Word(
        _("Some in doubt"),
        _("It has finished. Some messages may or may not have been sent."),
        "warn",
    ),
    outcomes.ALL_FAILED: Word(_("All failed"), _("It has finished. Every message failed."), "bad"),
    outcomes.NO_RECIPIENTS: Word(
        _("No recipients"), _("It has finished. It had no recipients."), "calm"
    ),
}

BROADCAST_TYPES: dict[str, Text] = {
    "broadcast": _("Broadcasts"),
    "external": _("External"),
    "trigger": _("Trigger"),
}

CHANNEL_STATES: dict[str, Word] = {
    condition.value: Word(condition.label, meaning, tone)
    for condition, meaning, tone in (
        (ChannelCondition.ACTIVE, _("Messages are sent through this channel."), "good"),
        (ChannelCondition.PAUSED, _("Messages wait until the channel is resumed."), "warn"),
        (ChannelCondition.WAITING, _("No messages are sent at the moment."), "warn"),
        (ChannelCondition.FAILING, _("The last check of this channel failed."), "bad"),
        (ChannelCondition.UNCHECKED, _("It has not been checked whether it can send."), "calm"),
    )
}

RECORD_STATUSES: dict[str, Word] = {
    "completed": Word(_("Completed"), _("The provider has accepted the message."), "good"),
    "error": Word(_("Error"), _("This attempt did not get through."), "bad"),
}

CLICK_KINDS: dict[str, Word] = {
    "person": Word(_("Person"), _("There is no sign that a program did it."), "good"),
    "scanner": Word(_("Scanner"), _("A program did it, not the recipient."), "calm"),
}

SCANNER_SIGNS: dict[str, Word] = {
    sign: Word(CLICK_KINDS["scanner"].label, meaning, "calm")
    for sign, meaning in {
        scanners.HEAD: _("A program asked where the link leads, without opening the page."),
        scanners.AGENT: _("A program that names itself, or gives no name, opened the link."),
        scanners.PREFETCH: _("The browser fetched the page in advance."),
        scanners.BURST: _("All links of the message were opened at once, right after sending."),
        scanners.SOON: _("Within seconds of sending, before a person could open the e-mail."),
    }.items()
} | {
    scanners.PRIVACY: Word(
        _("Apple Mail"),
        _("Apple Mail loads every image, so nobody can tell whether the e-mail was opened."),
        "calm",
    ),
    scanners.PROXY: Word(
        CLICK_KINDS["person"].label,
        _("Through the image proxy of Gmail or Yahoo, usually when the e-mail is opened."),
        "good",
    ),
}

ADDRESS_STATES: dict[str, Word] = {
    state.value: Word(state.label, EXPLANATIONS[state].sentence, tone)
    for state, tone in (
        (AddressState.ACTIVE, "good"),
        (AddressState.OPTED_OUT, "warn"),
        (AddressState.BLOCKED, "warn"),
        (AddressState.DEACTIVATED, "bad"),
        (AddressState.UNREACHABLE, "bad"),
        (AddressState.SUPPRESSED, "bad"),
        (AddressState.ALIAS, "calm"),
    )
}

CHAT_STATES: dict[str, Word] = {
    "bot": Word(_("With the bot"), _("No agent has taken over this chat."), "calm"),
    "open": Word(_("Open"), _("An agent is talking to this contact. Broadcasts wait."), "busy"),
    "closed": Word(_("Closed"), _("The chat has ended. No new message since."), "calm"),
}

IMPORT_STATES: dict[str, Word] = {
    "waiting": Word(_("Waiting"), _("A worker will start it."), "calm"),
    "running": Word(_("Running"), _("Lines are being read."), "busy"),
    "done": Word(_("Done"), _("Every line has been read."), "good"),
    "failed": Word(_("Failed"), _("The import ended early."), "bad"),
}

BULK_STATES: dict[str, Word] = {
    "waiting": Word(_("Waiting"), _("A worker will start it."), "calm"),
    "running": Word(_("Running"), _("Contacts are being changed."), "busy"),
    "done": Word(_("Done"), _("All contacts have been looked at."), "good"),
    "failed": Word(_("Failed"), _("The action ended early."), "bad"),
    "cancelled": Word(_("Cancelled"), _("An agent stopped the action."), "warn"),
}

CODE_BATCH_STATES: dict[str, Word] = {
    "waiting": Word(_("Waiting"), _("A worker will start it."), "calm"),
    "running": Word(_("Running"), _("Codes are being added."), "busy"),
    "done": Word(_("Done"), _("All codes have been added."), "good"),
    "failed": Word(_("Failed"), _("Not all codes could be added."), "bad"),
}

AGENT_STATES: dict[str, Word] = {
    "active": Word(_("Active"), _("The agent can log in."), "good"),
    "invited": Word(_("Invited"), _("The agent has not set a password yet."), "plan"),
    "reset": Word(_("Password reset"), _("The agent has to set a new password."), "plan"),
    "deactivated": Word(_("Deactivated"), _("The agent can't log in."), "warn"),
}

DRY_RUN_STATES: dict[str, Word] = {
    "waiting": Word(_("Waiting"), _("A worker will start it."), "calm"),
    "running": Word(_("Running"), _("Messages are being made. Nothing is sent."), "busy"),
    "done": Word(_("Done"), _("The messages of all recipients have been made."), "good"),
    "failed": Word(_("Failed"), _("The dry run ended early."), "bad"),
    "cancelled": Word(_("Cancelled"), _("The numbers are those up to then."), "warn"),
}

ENDPOINT_STATES: dict[str, Word] = {
    "active": Word(_("Active"), _("Events are posted."), "good"),
    "failing": Word(_("Failing"), _("The last requests were not accepted."), "warn"),
    "paused": Word(_("Paused"), _("Nothing is posted until it is resumed."), "warn"),
    "disabled": Word(_("Disabled"), _("Nothing is posted: it failed for a long time."), "bad"),
}

ENDPOINT_REQUEST_STATES: dict[str, Word] = {
    "waiting": Word(_("Waiting"), _("It will be posted, or posted again."), "plan"),
    "accepted": Word(_("Accepted"), _("The receiver has it."), "good"),
    "failed": Word(_("Failed"), _("It was not accepted within a day."), "bad"),
}

TEMPLATE_STATES: dict[str, Word] = {
    "approved": Word(_("Approved"), _("It can be sent."), "good"),
    "pending": Word(_("Pending"), _("The provider has not approved it yet."), "plan"),
    "in_appeal": Word(_("In appeal"), _("The provider is reviewing it again."), "plan"),
    "rejected": Word(_("Rejected"), _("The provider did not approve it."), "bad"),
    "paused": Word(_("Paused"), _("The provider paused it for its low quality."), "warn"),
    "disabled": Word(_("Disabled"), _("The provider disabled it."), "bad"),
    "limit_exceeded": Word(_("Limit reached"), _("The account has too many templates."), "bad"),
    "deleted": Word(_("Deleted"), _("It was deleted at the provider."), "bad"),
    "pending_deletion": Word(_("Being deleted"), _("The provider is deleting it."), "bad"),
    "archived": Word(_("Archived"), _("It was archived at the provider."), "warn"),
}
TEMPLATE_CATEGORIES: dict[str, Text] = {
    "authentication": _("Authentication"),
    "marketing": _("Marketing"),
    "utility": _("Utility"),
}
TEMPLATE_QUALITIES: dict[str, Text] = {"green": _("High"), "yellow": _("Medium"), "red": _("Low")}


def template_status(status: str) -> Word:
    """The word for a template's status; for one that is not known, the provider's own."""
    known_word = TEMPLATE_STATES.get(status)
    return known_word or Word(status, _("A status of the provider's own."), "calm")


WORDS: dict[str, dict[str, Word]] = {
    "agent": AGENT_STATES,
    "delivery": DELIVERY_STATES,
    "broadcast": BROADCAST_STATES,
    "outcome": BROADCAST_STATES | BROADCAST_OUTCOMES,
    "channel": CHANNEL_STATES,
    "record": RECORD_STATUSES,
    "click": CLICK_KINDS,
    "scanner_sign": SCANNER_SIGNS,
    "address": ADDRESS_STATES,
    "import": IMPORT_STATES,
    "bulk": BULK_STATES,
    "code_batch": CODE_BATCH_STATES,
    "dry_run": DRY_RUN_STATES,
    "chat": CHAT_STATES,
    "endpoint": ENDPOINT_STATES,
    "endpoint_request": ENDPOINT_REQUEST_STATES,
}

TYPES_OF_ATTRIBUTES: dict[str, Text] = {
    "text": _("Text"),
    "number": _("Number"),
    "date": _("Date"),
    "yes_no": _("Yes or no"),
    "list": _("List"),
}

ROLES: dict[str, Text] = {
    "viewer": _("viewer"),
    "sender": _("sender"),
    "manager": _("manager"),
    "admin": _("admin"),
}
