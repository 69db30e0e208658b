"""Why a broadcast leaves somebody out: one table, for the count before it and for what is written.

The reasons that are states of an address have their words in contacts.states.
"""

from typing import Final

from clarion.channels.limits import WINDOW_HOURS
from clarion.contacts.states import EXPLANATIONS, INACTIVE

# Whom the audience query gives this reason waits, and is a recipient all the same.
HELD: Final = "open_chat"
NO_CONSENT: Final = "no_consent"
OUTSIDE_WINDOW: Final = "outside_window"
# Of a message that may have been sent, and that can't be repeated without sending it twice.
KEY_ENDED: Final = "key_ended"
# Whom the audience query gives one of these gets no delivery.
EXCLUDED: Final = ("excluded_tag", "excluded_segment")
# Reason -> what the summary of an audience calls it.
LEFT_OUT: Final[dict[str, str]] = {
    **{state.value: state.label.lower() for state in INACTIVE},
    NO_CONSENT: "have not given all required consents",
    "not_written": "have never written to the channel",
    OUTSIDE_WINDOW: f"outside the {WINDOW_HOURS}-hour window",
    "excluded_tag": "excluded by tag",
    "excluded_segment": "excluded by segment",
    "no_address": "no address on the chosen channels",
}
# Reason of a skipped delivery -> its sentence in the record.
SKIPPED: Final[dict[str, str]] = {
    **{state.value: EXPLANATIONS[state].sentence for state in INACTIVE},
    NO_CONSENT: "The contact has not given a consent that this broadcast requires.",
    "not_written": "The contact has never written to this channel.",
    OUTSIDE_WINDOW: f"More than {WINDOW_HOURS} hours have passed since the contact last wrote, "
    "or it is not known when they did.",
    "deleted": "The contact was deleted.",
    KEY_ENDED: "It may have been sent. It was not sent again, because the platform would no longer "
    "recognise it as a repeat.",
}
