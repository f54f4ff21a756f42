"""Delivery jobs to viewers. A connection that is gone is normal: the registry is told."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from adapters.fan_out import FanOut
from adapters.management.outcome import Outcome
from adapters.management.sender import Report
from adapters.observability import Metric, count, logger, milliseconds
from adapters.queues import Queue
from heatmap.deliveries import Job, decode
from heatmap.errors import Unavailable


class QueuedJob(NamedTuple):
    """A job as the queue hands it out.

    Attributes:
        sent_at: when it was put on the queue, UTC milliseconds.
    """

    message_id: str
    body: str
    sent_at: int


@dataclass(frozen=True)
class Deliverer:
    """Posts what jobs hold, and tells what became of it.

    Attributes:
        gone_connections: asked for only when somebody is gone: making its client takes longer than many frames' posts.
        clock: UTC milliseconds.
    """

    fan_out: FanOut
    gone_connections: Callable[[], Queue]
    clock: Callable[[], int]

    def deliver(self, jobs: Sequence[QueuedJob], patience_s: float) -> None:
        """Post all that the jobs, of which there is at least one, have for viewers.

        Args:
            patience_s: who has not been reached after so many seconds is dropped.
        """
        began = self.clock()
        readable = list(_readable(jobs))
        report = self.fan_out.send((each for _, job in readable for each in job.deliveries), patience_s)
        _tell(report)
        if frames_sent_at := [queued.sent_at for queued, job in readable if job.deliveries]:
            milliseconds(Metric.FRAME_AGE, max(0, self.clock() - min(frames_sent_at)))
        logger.debug("posted", jobs=[job.message_id for job in jobs], viewers=len(report.outcomes))
        gone = report.gone()
        if ends := [connection for _, job in readable for connection in job.ends]:
            gone += self._end(ends, patience_s - (self.clock() - began) / 1000)
        if gone:
            self._tell_registry(gone)

    def _end(self, connections: list[str], patience_s: float) -> list[str]:
        """Close connections; says which are closed now. The others will be asked for again."""
        report = self.fan_out.end(connections, patience_s)
        outcomes = report.counts()
        # Those that are gone API Gateway had ended itself, or their clients.
        count(Metric.CONNECTIONS_EXPIRED, outcomes[Outcome.SENT])
        # The other reasons are those of single connections, and no viewer missed a frame for them.
        count(Metric.POSTS_FORBIDDEN, outcomes[Outcome.FORBIDDEN])
        _log_drops("connections not closed", report)
        return [connection for connection, outcome in report.outcomes.items() if not outcome.is_drop]

    def _tell_registry(self, gone: list[str]) -> None:
        """Have those connections forgotten that are no more."""
        try:
            self.gone_connections().send(gone)
        except Unavailable as error:
            # Failing now would post every frame again. Who is gone will be found so at the next frame too.
            logger.error("gone connections not reported", viewers=len(gone), reason=str(error))
            count(Metric.UNAVAILABLE)


def _readable(jobs: Iterable[QueuedJob]) -> Iterator[tuple[QueuedJob, Job]]:
    """What can be read of the jobs."""
    for job in jobs:
        try:
            yield job, decode(job.body)
        except msgspec.DecodeError as error:
            # No retry makes it readable, and what it held is replaced by the next frame.
            logger.error("unreadable job", message_id=job.message_id, reason=str(error))
            count(Metric.JOBS_UNREADABLE)


def _tell(report: Report) -> None:
    """Count what became of the viewers; one line in the log for each reason why some were dropped."""
    viewers = report.counts()
    dropped = _dropped(report)
    count(Metric.VIEWERS_SENT, viewers[Outcome.SENT])
    count(Metric.VIEWERS_GONE, viewers[Outcome.GONE])
    count(Metric.VIEWERS_DROPPED, sum(dropped.values()))
    for outcome, number in dropped.items():
        count(Metric(f"posts_{outcome.value}"), number)
    _log_drops("frames dropped", report)
    if report.durations_s:
        milliseconds(Metric.POST_DURATION_P99, report.slowest_ms(0.99))


def _log_drops(message: str, report: Report) -> None:
    for outcome, number in _dropped(report).items():
        # No viewer is forbidden alone: the role or the URL is wrong, and nobody gets a frame until that is mended.
        log = logger.error if outcome is Outcome.FORBIDDEN else logger.warning
        log(message, reason=outcome.value, viewers=number, example=report.causes[outcome])


def _dropped(report: Report) -> dict[Outcome, int]:
    """How many were dropped, by why."""
    return {outcome: number for outcome, number in report.counts().items() if outcome.is_drop}
