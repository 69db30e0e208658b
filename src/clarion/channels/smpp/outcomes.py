"""What an SMSC's answer means for the whole message."""

from collections.abc import Iterable

from clarion.channels.contract import Accepted, Outcome, Refusal, Refused, Reply
from clarion.channels.smpp.errors import BINDS, OTHER, OTHER_BIND, STATUSES, Meaning
from clarion.channels.smpp.ids import IdForm, answered_id
from clarion.channels.wording import tidy
from clarion.transport.messages import SmppReply

_UNREADABLE = Refused(Refusal.UNKNOWN, "The provider's answer can't be understood.")


def outcome_of(reply: Reply, form: IdForm, secrets: Iterable[str] = ()) -> Outcome:
    """What to make of an answer. Never raises; ``secrets`` never show up in the reason."""
    if not isinstance(reply, SmppReply) or reply.stage == "check":
        return _UNREADABLE
    if reply.stage == "bind":
        if reply.status in (0, None):
            return _UNREADABLE
        return _refused(reply, BINDS.get(reply.status, OTHER_BIND), secrets)
    if reply.status == 0 and reply.ids and len(reply.ids) == reply.parts:
        return _accepted(reply, form)
    if reply.status == 0:
        return _UNREADABLE
    if reply.ids:
        return _cut_short(reply, secrets)
    if reply.status is None:
        return _UNREADABLE
    return _refused(reply, STATUSES.get(reply.status, OTHER), secrets)


def _accepted(reply: SmppReply, form: IdForm) -> Accepted:
    ids = tuple(answered_id(each, form) for each in reply.ids)
    if not all(ids):
        return Accepted()
    return Accepted(ids[0], parts=ids if len(set(ids)) == len(ids) > 1 else ())


def _cut_short(reply: SmppReply, secrets: Iterable[str]) -> Refused:
    """Some parts were accepted, and the next one certainly not: nobody can read the message."""
    accepted = f"{len(reply.ids)} of {reply.parts} parts of the message were accepted, then"
    if reply.status is None:
        problem = tidy(reply.problem, secrets)
        return Refused(
            Refusal.REJECTED, f"{accepted} the provider could not be reached: {problem}."
        )
    refused = _refused(reply, STATUSES.get(reply.status, OTHER), secrets)
    reason = f"{accepted}: {refused.reason}"
    return Refused(Refusal.REJECTED, reason, refused.code)


def _refused(reply: SmppReply, meaning: Meaning, secrets: Iterable[str]) -> Refused:
    words = tidy(reply.text, secrets)
    return Refused(
        meaning.refusal,
        f"{meaning.sentence}{f' ({words})' if words else ''}.",
        f"{reply.status:#04x}",
        meaning.wait,
        whole_channel=meaning.whole_channel,
    )
