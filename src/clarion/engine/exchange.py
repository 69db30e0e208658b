"""The request of an attempt and its reply, as far as they can be known again.

No request is kept: a million would say the same. It is made again from what is kept of the message,
with the channel's settings of today. Where that would not be the message that was sent, because a
contact or an answer of a story's webhook is another by now, there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from django.utils.translation import gettext as _

from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Limits, Outgoing, Request, Unsendable
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.content.errors import ContentError
from clarion.engine import snapshot
from clarion.engine.attempt import STORY_WEBHOOK
from clarion.engine.claim import Claimed
from clarion.engine.dropped import HIDDEN, readable, secrets_of
from clarion.engine.meant import claimed_before
from clarion.engine.render import (
    MessageStep,
    NextStep,
    QuestionStep,
    next_step,
    plain_step,
)
from clarion.records.models import Delivery
from clarion.records.rows import RecordRow
from clarion.transport.messages import ImapRequest, SmppRequest, SmtpRequest
from clarion.transport.smpp_pdu import described

_NO_LIMITS = Limits(rate=None, text_length=0, receipts=frozenset())  # a webhook has none
_SIGNATURES = frozenset({"authorization", "webhook-signature", "webhook-timestamp"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message of an attempt: the request, or why it can't be made again, and the reply."""

    request: str
    missing: str
    reply: str


def exchanges_of(records: Sequence[RecordRow]) -> dict[int, list[Exchange]]:
    """The messages of each of these attempts, oldest first, by the record's id.

    ``records``: all of their deliveries. None for an attempt that ended before there was a message,
    and where the contact is gone.
    """
    by_record: dict[int, list[Exchange]] = {}
    for claimed in claimed_before(sorted({record.delivery_id for record in records})):
        if claimed.to:
            own = [record for record in records if record.delivery_id == claimed.delivery]
            by_record |= _of_delivery(
                claimed, sorted(own, key=lambda record: (record.attempt, record.id))
            )
    return by_record


def _of_delivery(claimed: Claimed, records: Sequence[RecordRow]) -> dict[int, list[Exchange]]:
    delivery = Delivery.objects.get(pk=claimed.delivery)
    source = _Source(delivery, claimed)
    before, exchanges = 0, {}
    for record in records:
        texts = [message.text for message in record.messages.sent]
        replies = [_("Accepted.")] * len(texts)
        if replies and record.status == "completed" and delivery.external_id:
            # The delivery has the id of its last message.
            replies[-1] = _("Accepted. The provider's id: %s") % delivery.external_id
        if record.messages.attempted:
            texts.append(record.messages.attempted)
            replies.append(_reply(record))
        exchanges[record.id] = [
            Exchange(*source.request_of(before + number, text), reply)
            for number, (text, reply) in enumerate(zip(texts, replies, strict=True))
        ]
        before += len(record.messages.sent)
        if record.code == STORY_WEBHOOK and not record.messages.attempted:
            question = source.question_after(before)
            exchanges[record.id] += [Exchange(question, "", _reply(record))] if question else []
    return exchanges


def _reply(record: RecordRow) -> str:
    code = f" [{record.code}]" if record.code else ""
    return f"{record.error}{code}"


class _Source:
    """What the requests of one delivery are made of."""

    def __init__(self, delivery: Delivery, claimed: Claimed) -> None:
        self._claimed = claimed
        broadcast = Broadcast.objects.get(pk=claimed.broadcast)
        self._job = snapshot.job(broadcast.pk, broadcast.revision)
        self._channel = Channel.objects.get(pk=delivery.channel_id)

    def request_of(self, number: int, text: str) -> tuple[str, str]:
        """The request of message ``number``, of which ``text`` is kept; or why it is missing."""
        try:
            kind = adapter(self._channel)
        except ValueError:
            return "", _("The channel's settings can't be read.")
        try:
            outgoing = self._outgoing(number, text, kind.limits)
            if outgoing is None:
                return "", _(
                    "The request can't be made again: the contact has changed since, or the "
                    "answer of the story's webhook is not kept."
                )
            secrets = [*secrets_of(self._channel), outgoing.unsubscribe_url]
            return redacted(kind.request(outgoing), secrets), ""
        except (ContentError, Unsendable) as error:
            return "", str(error)

    def _outgoing(self, number: int, text: str, limits: Limits) -> Outgoing | None:
        job = self._job
        is_plain = job.script is None and job.template is None
        if is_plain and not (job.page is not None and limits.mail):
            return plain_step(self._claimed, job, text, limits).outgoing
        step = self._step(number, limits)
        if isinstance(step, MessageStep) and step.shown == text:
            return step.outgoing
        return None

    def question_after(self, number: int) -> str:
        """What the story's webhook is asked after ``number`` messages, by the contact of today."""
        try:
            step = self._step(number, _NO_LIMITS)
        except ContentError:
            return ""
        return redacted(step.request, []) if isinstance(step, QuestionStep) else ""

    def _step(self, number: int, limits: Limits) -> NextStep:
        progress = replace(self._claimed.progress, sent=number)
        return next_step(
            replace(self._claimed, progress=progress),
            self._job,
            limits,
        )


def redacted(request: Request, secrets: Iterable[str]) -> str:
    """A request as text, without these and without signatures."""
    secrets = [secret for secret in secrets if secret]
    secrets += [quote(secret, safe="") for secret in secrets]
    if isinstance(request, SmppRequest):
        return readable("\n\n".join(map(described, request.parts)).encode(), secrets)
    if isinstance(request, SmtpRequest):
        return readable(request.message.replace(b"\r\n", b"\n"), secrets)
    if isinstance(request, ImapRequest):  # nothing is sent with it
        return ""
    headers = [
        f"{name}: {HIDDEN if name.lower() in _SIGNATURES else value}"
        for name, value in request.headers
    ]
    head = readable("\n".join([f"{request.method} {request.url}", *headers]).encode(), secrets)
    return f"{head}\n\n{readable(request.body, secrets)}"
