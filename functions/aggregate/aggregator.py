"""Batches of the stream to exact counts: all pings that can be read are applied, and what cannot be is handed over."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.live_state import LiveState
from adapters.observability import Metric, count, in_detail, logger, milliseconds
from adapters.queues import Queue
from heatmap.errors import PoisonRecord, Refused
from heatmap.failures import Failure, Place, encode, poison
from heatmap.records import Record, decode
from heatmap.register import merged
from heatmap.state import Applied
from heatmap.times import rfc3339

# A record as Lambda delivers it.
type Entry = Mapping[str, Any]


def shard_of(entry: Entry) -> str:
    """The shard that a record was read from."""
    return str(entry["eventID"].partition(":")[0])


@dataclass
class _Outcome:
    """What became of a batch; `failures` are of records that no retry can help."""

    applied: Applied = field(default_factory=Applied)
    failures: list[Failure] = field(default_factory=list)

    def told(self, are_handed_over: bool) -> dict[str, Any]:
        """As whoever called is told."""
        return {
            "applied": self.applied.applied,
            "late": self.applied.late,
            "duplicate": self.applied.duplicate,
            "implausible": self.applied.implausible,
            "poison": [
                {
                    "sequence_number": each.place.start_sequence_number,
                    "reason": each.reason,
                    "is_handed_over": are_handed_over,
                }
                for each in self.failures
            ],
        }


@dataclass
class Aggregator:
    """Applies batches. To apply one again changes nothing.

    Attributes:
        failures: makes the queue for what cannot be applied; it is needed so rarely that it is made only then.
        clock: UTC milliseconds.
        jump_speed: metres per second above which a driver of a city has jumped.
    """

    state: LiveState
    failures: Callable[[], Queue]
    clock: Callable[[], int]
    jump_speed: Callable[[str], float]

    def apply(self, entries: Sequence[Entry], *, is_redriven: bool = False, hands_over: bool = True) -> dict[str, Any]:
        """Apply the pings of some records; say what became of them.

        Args:
            is_redriven: the records have waited for whoever redrives them.
            hands_over: those that cannot be applied go to the failure queue; otherwise they are in it already.

        Returns:
            {"applied", "late", "duplicate", "implausible": pings,
             "poison": [{"sequence_number", "reason", "is_handed_over"}, …]}

        Raises:
            Unavailable: the state or the failure queue did not answer; the whole batch is to be delivered again.
        """
        outcome = _Outcome()
        readable: list[tuple[Entry, Record]] = []
        for entry in entries:
            try:
                readable.append((entry, decode(base64.b64decode(entry["kinesis"]["data"], validate=True))))
            except (PoisonRecord, ValueError) as error:
                outcome.failures.append(self._failure(entry, str(error)))
        with in_detail(any(record.is_followed for _, record in readable)):
            # Whoever logs these requests calls them the same.
            requests = {entry["kinesis"]["sequenceNumber"]: record.request for entry, record in readable}
            logger.debug("records read", requests=requests)
            if readable:
                self._apply(readable, outcome)
            if readable and not is_redriven:
                # Of the ping that waited longest: the newest of a backlog would look fresh.
                milliseconds(Metric.APPLY_LAG, self.clock() - min(record.received_at for _, record in readable))
            if outcome.failures and hands_over:
                # Last of all that makes a batch come again: each time the record would be handed over once more.
                self.failures().send(map(encode, outcome.failures))
                count(Metric.RECORDS_POISONED, len(outcome.failures))
            self._tell(outcome)
            answer = outcome.told(hands_over)
            logger.debug(
                "batch applied",
                shard_id=shard_of(entries[-1]),
                first=entries[0]["kinesis"]["sequenceNumber"],
                last=entries[-1]["kinesis"]["sequenceNumber"],
                redriven=is_redriven,
                **answer,
            )
        return answer

    def _apply(self, readable: Sequence[tuple[Entry, Record]], outcome: _Outcome) -> None:
        records = [record for _, record in readable]
        try:
            received_at = max(record.received_at for record in records)
            found = self.state.apply(merged(records), received_at, self.jump_speed)
        except Refused as error:
            # One of them makes the scripts fail, and would do so for ever.
            if len(readable) == 1:
                outcome.failures.append(self._failure(readable[0][0], str(error)))
                return
            middle = len(readable) // 2
            self._apply(readable[:middle], outcome)
            self._apply(readable[middle:], outcome)
        else:
            outcome.applied += found

    def _failure(self, entry: Entry, reason: str) -> Failure:
        kinesis = entry["kinesis"]
        arrived = rfc3339(round(1000 * kinesis.get("approximateArrivalTimestamp", 0)))
        number = kinesis["sequenceNumber"]
        place = Place(
            shard_id=shard_of(entry),
            start_sequence_number=number,
            end_sequence_number=number,
            batch_size=1,
            stream_arn=entry["eventSourceARN"],
            approximate_arrival_of_first_record=arrived,
            approximate_arrival_of_last_record=arrived,
        )
        return poison(place, kinesis["data"], reason, self.clock())

    def _tell(self, outcome: _Outcome) -> None:
        count(Metric.PINGS_APPLIED, outcome.applied.applied)
        count(Metric.PINGS_LATE, outcome.applied.late)
        count(Metric.PINGS_DUPLICATE, outcome.applied.duplicate)
        count(Metric.PINGS_IMPLAUSIBLE, outcome.applied.implausible)
        for each in outcome.failures:
            logger.error("poison record", sequence_number=each.place.start_sequence_number, reason=each.reason)
