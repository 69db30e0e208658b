"""The pipeline of a channel whose kind sends to several recipients with one request."""

from clarion.channels.contract import Outcome, Refusal, Refused, SendsBatches
from clarion.engine.attempt import SendRequest
from clarion.engine.batches import Batches
from clarion.engine.claim_size import MOST, ClaimSize
from clarion.engine.pipeline import ChannelPipeline
from clarion.engine.pipeline_host import PipelineHost
from clarion.engine.snapshot import ChannelFacts

RUNNERS = MOST  # most messages that are in a request or wait for one
LEAST = 2  # messages of one claim: one alone never shows that others are the same


def pipeline_for(
    host: PipelineHost, channel: ChannelFacts, send_request: SendRequest, concurrency: int
) -> ChannelPipeline:
    """A new pipeline of a channel with up to ``concurrency`` requests in flight."""
    if isinstance(channel.kind, SendsBatches):
        return BatchPipeline(host, channel, send_request, concurrency)
    return ChannelPipeline(host, channel, send_request, concurrency)


class BatchPipeline(ChannelPipeline):
    """Has a runner for every recipient, while ``Batches`` limits the requests."""

    def __init__(
        self, host: PipelineHost, channel: ChannelFacts, send_request: SendRequest, requests: int
    ) -> None:
        super().__init__(host, channel, send_request, RUNNERS)
        self._batches = Batches(host, channel, send_request, self._may_send, requests)
        self._deliver = self._batches.deliver
        if channel.request_rate is not None:
            self._size = _BatchSize(self._batches)
        self._newest: Outcome | None = None

    async def close(self) -> None:
        """Finish what is in flight and queue the rest again."""
        self._batches.close()
        await super().close()

    def _is_low(self) -> bool:
        return not self._batches.is_full and super()._is_low()

    def _react(self, outcome: Outcome, began: float) -> None:
        """As of one message, for a request: but each one that may have been sent counts."""
        is_same, self._newest = outcome is self._newest, outcome
        is_doubt = isinstance(outcome, Refused) and outcome.refusal is Refusal.UNKNOWN
        if is_doubt or not is_same:
            super()._react(outcome, began)


class _BatchSize(ClaimSize):
    """Enough for the requests that may leave next, by the recipients of the newest ones."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self._batches = batches

    def next(self) -> int:
        """The size of a claim that is made now."""
        return max(LEAST, min(MOST, round(2 * self._batches.mean * self._batches.room)))
