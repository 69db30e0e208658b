"""A kind that sends to several recipients with one request, on top of the webhook."""

import json
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import ClassVar

from clarion.channels.contract import Accepted, Limits, Outcome, Outgoing, Refusal, Refused, Reply
from clarion.channels.webhook.kind import WebhookKind
from clarion.transport.messages import HttpReply, HttpRequest

MOST = 3  # recipients
REFUSED = Refused(Refusal.REJECTED, "This recipient is refused.", "1")
BUSY = Refused(Refusal.RETRY, "This recipient is busy.", "2")


class BatchKind(WebhookKind):
    """Posts one text to several; the reply names those who were refused, and those to try again."""

    limits: ClassVar[Limits] = replace(WebhookKind.limits, most_recipients=MOST)

    def shared(self, message: Outgoing) -> Hashable | None:
        return message.text

    def batch_request(self, messages: Sequence[Outgoing]) -> HttpRequest:
        body = {"to": [message.to for message in messages], "text": messages[0].text}
        key = "+".join(message.id for message in messages)
        alone = self.request(messages[0])
        return replace(alone, headers=(("Idempotency-Key", key),), body=json.dumps(body).encode())

    def batch_outcomes(self, messages: Sequence[Outgoing], reply: Reply) -> Sequence[Outcome]:
        outcome = self.outcome(reply)
        assert isinstance(reply, HttpReply)
        if isinstance(outcome, Refused):
            return [outcome] * len(messages)
        said = json.loads(reply.body or b"{}")
        accepted = Accepted()
        return [
            REFUSED
            if message.to in said.get("refused", [])
            else BUSY
            if message.to in said.get("busy", [])
            else accepted
            for message in messages
        ]


class RequestsKind(BatchKind):
    """Its provider counts requests."""

    limits: ClassVar[Limits] = replace(BatchKind.limits, rate_counts="requests")
