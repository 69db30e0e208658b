"""What it means that a message was not answered, by what the transport knows of it."""

from clarion.channels.contract import Refusal, Refused
from clarion.transport.errors import (
    CantReceive,
    MaybeSent,
    NotSent,
    Unavailable,
    WrongSettings,
)

NOT_SENT = "not_sent"
MAYBE_SENT = "maybe_sent"
WRONG_SETTINGS = "wrong_settings"
CANT_RECEIVE = "cant_receive"


def without_reply(error: NotSent | MaybeSent) -> Refused:
    """What it means that no reply came."""
    match error:
        case WrongSettings():
            return Refused(Refusal.MISCONFIGURED, error.reason, WRONG_SETTINGS)
        case Unavailable():
            # One broken connection among many is no reason to wait: the pipeline counts them.
            return Refused(Refusal.UNAVAILABLE, error.reason, NOT_SENT, whole_channel=False)
        case CantReceive():
            return Refused(Refusal.REJECTED, error.reason, CANT_RECEIVE)
        case NotSent():
            return Refused(Refusal.RETRY, error.reason, NOT_SENT)
        case _:
            return Refused(Refusal.UNKNOWN, error.reason, MAYBE_SENT)
