"""A question that a story's webhook has answered earlier, for a worker that has heard no answer."""

from clarion.broadcasts import events
from clarion.content.script import WebhookStep
from clarion.engine.meant import claimed_before
from clarion.engine.render import question_step
from clarion.engine.snapshot import Job
from clarion.records.deliveries.claim import completed_delivery
from clarion.transport.messages import HttpRequest


def asked_before(job: Job, step: int) -> HttpRequest | None:
    """What a step of a story asked for somebody who has got all of it. None: nobody has.

    What earlier webhooks wanted kept for that person is forgotten by then, and not posted. A live
    broadcast that was changed since may have asked something else, or nothing.
    """
    steps = job.script.steps if job.script is not None else ()
    if step >= len(steps) or not isinstance(steps[step], WebhookStep):  # it was changed since
        return None
    if job.fires and events.was_changed(job.id):
        return None
    delivery = completed_delivery(job.id)
    claims = [] if delivery is None else claimed_before([delivery])
    if not claims or not claims[0].to:  # the contact is gone
        return None
    return question_step(claims[0], job, step).request
