"""Names instead of user ids: the provider is asked for the lasting id before the first message."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog

from clarion.channels.abilities import ResolvesIds
from clarion.channels.contract import Refusal, Refused, Reply, Request
from clarion.engine.no_reply import without_reply
from clarion.transport.errors import MaybeSent, NotSent

log = structlog.get_logger()
_RESOLVED: Final = "The provider knows this recipient by another id. The message is sent there."
_UNREADABLE: Final = "The provider's answer about this name can't be understood."
FAULT: Final = "name"


async def resolved(
    kind: ResolvesIds, question: Request, send_request: Callable[[Request], Awaitable[Reply]]
) -> Refused:
    """What becomes of a message to a name: it is sent to the lasting id in a moment, or is refused.

    Whatever became of the question, no message has been sent.
    """
    try:
        answer = kind.resolved(await send_request(question))
    except (NotSent, MaybeSent) as error:
        answer = without_reply(error)
    except Exception:
        log.exception("name_not_resolved")
        answer = Refused(Refusal.RETRY, _UNREADABLE, FAULT)
    if isinstance(answer, str):
        return Refused(Refusal.THROTTLED, _RESOLVED, whole_channel=False, moved_to=answer)
    if answer.refusal is Refusal.UNKNOWN:
        return replace(answer, refusal=Refusal.RETRY)
    return answer
