"""What a delivery was about to send when its worker ended."""

from collections.abc import Sequence

import structlog

from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Limits
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS
from clarion.content.errors import ContentError
from clarion.engine import snapshot
from clarion.engine.claim import Claimed, with_people
from clarion.engine.codes import with_codes
from clarion.engine.render import MessageStep, next_step
from clarion.records.deliveries.claim import read_claimed

log = structlog.get_logger()


def meant(channel_id: int, deliveries: Sequence[int]) -> dict[int, str]:
    """The message that each of these was or would have been sent, as people see it.

    Empty where there was none: its story's webhook had to be asked first, or it can't be rendered.
    """
    messages = dict.fromkeys(deliveries, "")
    # Without its settings, which may be unreadable.
    kind = KINDS.get(Channel.objects.values_list("kind", flat=True).get(pk=channel_id))
    if kind is None:
        return messages
    claims = claimed_before(deliveries)
    revisions = dict(
        Broadcast.objects.filter(pk__in={claimed.broadcast for claimed in claims}).values_list(
            "pk", "revision"
        )
    )
    for claimed in claims:
        revision = revisions.get(claimed.broadcast)
        if revision is not None:
            messages[claimed.delivery] = _message(claimed, revision, kind.limits)
    return messages


def claimed_before(deliveries: Sequence[int]) -> list[Claimed]:
    """These deliveries as they were claimed, with their codes; without those that are gone."""
    rows = read_claimed(deliveries)
    with_pools = Broadcast.objects.filter(
        pk__in={row.broadcast for row in rows}, code_pool__isnull=False
    ).exclude(type=Broadcast.Type.SINGLE)
    pools = dict(with_pools.values_list("pk", "code_pool_id"))
    return with_codes(with_people(rows, [0] * len(rows)), pools)


def _message(claimed: Claimed, revision: int, limits: Limits) -> str:
    try:
        job = snapshot.job(claimed.broadcast, revision)
        step = next_step(claimed, job, limits)
    except ContentError:
        return ""
    except Exception:  # what became of the delivery has to be settled all the same
        log.exception("meant_unknown", delivery=claimed.delivery)
        return ""
    return step.shown if isinstance(step, MessageStep) else ""
