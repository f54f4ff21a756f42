"""Redriving: records that were given up are applied once more, by the aggregator itself.

To apply a record twice changes nothing, so that this may be stopped at any moment and run again: a message leaves the
queue only after all of its records have been applied.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import msgspec

from fleetglow.errors import FleetglowError
from fleetglow.failure_queue import FailureQueue
from fleetglow.operated import Operated, told_in_a_line
from fleetglow.stream_records import records
from heatmap.errors import PoisonRecord
from heatmap.failures import Failure, decode
from heatmap.records import decode as decode_record

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_lambda import LambdaClient

# How long the aggregator may take for all records of a message.
HOLD_S = 600


class Fate(StrEnum):
    """What became of a record, by the best of its pings."""

    APPLIED = "applied"
    IMPLAUSIBLE = "implausible"
    LATE = "late"
    DUPLICATE = "duplicate"
    # It is readable and would be applied, were this not a dry run.
    READABLE = "readable"
    POISON = "poison"
    EXPIRED = "expired"
    FAILED = "failed"


# In these it has had the effect that it can have.
SETTLED = (Fate.APPLIED, Fate.IMPLAUSIBLE, Fate.LATE, Fate.DUPLICATE)
# No later attempt could do better.
HOPELESS = (Fate.POISON, Fate.EXPIRED)


class Redriven(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record, or several that the stream does not have any more.

    Attributes:
        last: the last one's sequence number, where there are several.
        pings: by what became of them.
        reason: why it could not be applied.
    """

    shard_id: str
    sequence_number: str
    fate: Fate
    last: str = ""
    records: int = 1
    pings: dict[str, int] = {}
    reason: str = ""


@dataclass
class Report:
    """What a run did so far.

    Attributes:
        redriven, discarded, left: messages that were deleted after success, deleted without, and kept.
    """

    records: list[Redriven] = field(default_factory=list)
    redriven: int = 0
    discarded: int = 0
    left: int = 0
    unreadable: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """What `redrive --json` prints."""
        fates: Counter[str] = Counter()
        pings: Counter[str] = Counter()
        for each in self.records:
            fates[each.fate] += each.records
            pings.update(each.pings)
        messages = {"redriven": self.redriven, "discarded": self.discarded, "left": self.left}
        return {
            "messages": messages,
            "outcomes": dict(fates),
            "pings": dict(pings),
            "records": self.records,
            "unreadable_messages": self.unreadable,
        }


@dataclass
class Redriver:
    """Works through the failure queue.

    Attributes:
        function: the aggregator's name.
        is_dry: only look what there is.
        is_discarding: also delete messages whose records can never be applied.
    """

    queue: FailureQueue
    kinesis: "KinesisClient"
    lambdas: "LambdaClient"
    function: str
    is_dry: bool = False
    is_discarding: bool = False
    report: Report = field(default_factory=Report)

    @classmethod
    def of(cls, stack: Operated, queue: FailureQueue, *, is_dry: bool, is_discarding: bool) -> Self:
        function = stack.outputs["AggregateFunctionName"]
        return cls(queue, stack.client("kinesis"), stack.client("lambda"), function, is_dry, is_discarding)

    def run(self) -> Iterator[Redriven]:
        """Redrive what the queue holds, telling of each record.

        Raises:
            FleetglowError: the aggregator cannot apply anything at present; or a service does not answer, or refuses.
        """
        for message_id, body in self.queue.messages():
            try:
                failure = decode(body)
            except PoisonRecord as error:
                self.report.unreadable.append(f"{message_id}: {error}")
                self._settle(message_id, {Fate.POISON})
                continue
            fates = set()
            for redriven in self._records(failure):
                self.report.records.append(redriven)
                fates.add(redriven.fate)
                yield redriven
            self._settle(message_id, fates)

    def _settle(self, message_id: str, fates: set[Fate]) -> None:
        if not self.is_dry and fates <= set(SETTLED):
            self.queue.delete(message_id)
            self.report.redriven += 1
        elif not self.is_dry and self.is_discarding and fates <= {*SETTLED, *HOPELESS}:
            self.queue.delete(message_id)
            self.report.discarded += 1
        else:
            self.report.left += 1

    def _records(self, failure: Failure) -> Iterator[Redriven]:
        place = failure.place
        if failure.data:
            yield self._redrive(failure, place.start_sequence_number, failure.data)
            return
        found = records(self.kinesis, place)
        for sequence_number, data in found:
            yield self._redrive(failure, sequence_number, base64.b64encode(data).decode())
        if missing := max(0, place.batch_size - len(found)):
            last = place.end_sequence_number if place.batch_size > 1 else ""
            reason = "the stream does not have it any more"
            yield Redriven(place.shard_id, place.start_sequence_number, Fate.EXPIRED, last, missing, reason=reason)

    def _redrive(self, failure: Failure, sequence_number: str, data: str) -> Redriven:
        shard_id = failure.place.shard_id
        if self.is_dry:
            return _looked_at(shard_id, sequence_number, data)
        answer = self._invoke(failure, sequence_number, data)
        if "errorMessage" in answer:
            reason = f"{answer.get('errorType', 'error')}: {answer['errorMessage']}"
            return Redriven(shard_id, sequence_number, Fate.FAILED, reason=reason)
        if answer["poison"]:
            return Redriven(shard_id, sequence_number, Fate.POISON, reason=answer["poison"][0]["reason"])
        pings = {fate.value: answer[fate.value] for fate in SETTLED}
        best = next((Fate(name) for name, number in pings.items() if number), Fate.DUPLICATE)
        return Redriven(shard_id, sequence_number, best, pings=pings)

    def _invoke(self, failure: Failure, sequence_number: str, data: str) -> dict[str, Any]:
        entry = {
            "eventID": f"{failure.place.shard_id}:{sequence_number}",
            "eventSource": "aws:kinesis",
            "eventSourceARN": failure.place.stream_arn,
            "eventName": "aws:kinesis:record",
            "kinesis": {"sequenceNumber": sequence_number, "data": data},
        }
        event = json.dumps({"redrive": True, "Records": [entry]})
        with told_in_a_line(f"the aggregator {self.function} cannot be invoked"):
            invoked = self.lambdas.invoke(FunctionName=self.function, Payload=event.encode())
            answer: dict[str, Any] = json.loads(invoked["Payload"].read())
        if answer.get("errorType") == "Unavailable":
            # It would be no better for the next record.
            raise FleetglowError(f"nothing can be applied at present: {answer['errorMessage']}")
        return answer


def _looked_at(shard_id: str, sequence_number: str, data: str) -> Redriven:
    try:
        cities = decode_record(base64.b64decode(data)).cities
    except PoisonRecord as error:
        return Redriven(shard_id, sequence_number, Fate.POISON, reason=str(error))
    return Redriven(shard_id, sequence_number, Fate.READABLE, pings={"readable": sum(map(len, cities.values()))})
