"""Until when claimed messages may be sent, on channels that send only for a time after a person
wrote.

Who is outside that window when the broadcast expands gets a skipped delivery. This is for those who
come to be outside it while their message waits.
"""

from dataclasses import replace

from clarion.channels.limits import WINDOW
from clarion.contacts.addresses import wrote_at
from clarion.engine.claim import Claim, Claimed
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.kit import clock


def attach(claim: Claim) -> Claim:
    """A claim on a channel with such a window, whose messages say until when they may be sent."""
    if not claim.messages:
        return claim
    moments = wrote_at(message.address for message in claim.messages)
    messages = [
        replace(message, window_end=moments.get(message.address, 0) + WINDOW * clock.SECOND)
        for message in claim.messages
    ]
    return replace(claim, messages=messages)


def is_too_late(claimed: Claimed, channel: ChannelFacts, job: Job) -> bool:
    """Whether the window has closed for a message that needs one.

    A template needs none where the provider approves them, and nor does what is sent to one person
    at an agent's or their own wish: there the provider decides.
    """
    if not claimed.window_end or job.single or clock.now_us() < claimed.window_end:
        return False
    return job.template is None or not channel.kind.limits.templates
