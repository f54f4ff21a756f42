"""Redriving: records that were given up are applied once more, by the aggregator itself.

To apply a record twice changes nothing, so that this may be stopped at any moment and run again: a message leaves the
queue only after all of its records have been applied, or are named there by messages of their own.
"""

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import msgspec

from fleetglow.applier import Applier
from fleetglow.failure_queue import FailureQueue
from fleetglow.operated import Operated
from fleetglow.stream_records import StreamRecords
from fleetglow.wording import counted
from heatmap.errors import PoisonRecord
from heatmap.failures import POISON, Failure, decode
from heatmap.records import decode as decode_record

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
    # It cannot be read, and is in the failure queue by itself now, with its reason and data; it was one of a range.
    SET_ASIDE = "set_aside"
    POISON = "poison"
    EXPIRED = "expired"
    FAILED = "failed"


# In these it has had the effect that it can have.
SETTLED = (Fate.APPLIED, Fate.IMPLAUSIBLE, Fate.LATE, Fate.DUPLICATE)
# The message that names it is not needed any more, or would not be, were this not a dry run.
DONE = {*SETTLED, Fate.SET_ASIDE, Fate.READABLE}
# No later attempt could do better.
HOPELESS = {Fate.POISON, Fate.EXPIRED}


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

    @property
    def line(self) -> str:
        """What is printed of it."""
        many = f" to {self.last} ({counted(self.records, 'record')})" if self.last else ""
        what = ", ".join(f"{number:,} {name}" for name, number in self.pings.items() if number) or self.reason
        line = f"{self.shard_id} {self.sequence_number}{many}: {self.fate.replace('_', ' ')}"
        return f"{line}: {what}" if what else line


@dataclass
class Report:
    """What a run did so far, or of a dry one what another would do.

    Attributes:
        redriven, discarded, left: messages that were deleted after success, deleted without, and kept.
    """

    is_dry: bool = False
    records: list[Redriven] = field(default_factory=list)
    redriven: int = 0
    discarded: int = 0
    left: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """What is printed at the end."""
        figures = self.figures()
        would = "would be " if self.is_dry else ""
        messages = ", ".join(f"{number:,} {would}{name}" for name, number in figures["messages"].items())
        outcomes = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in figures["outcomes"].items())
        return f"messages: {messages}; records: {outcomes or 'none'}"

    def figures(self) -> dict[str, Any]:
        """What `redrive --json` prints."""
        fates: Counter[str] = Counter()
        pings: Counter[str] = Counter()
        for each in self.records:
            fates[each.fate] += each.records
            pings.update(each.pings)
        messages = {"redriven": self.redriven, "discarded": self.discarded, "left": self.left}
        return {
            "dry_run": self.is_dry,
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
        is_dry: only look what there is.
        is_discarding: also delete messages whose records can never be applied.
    """

    queue: FailureQueue
    stream: StreamRecords
    applier: Applier
    is_dry: bool = False
    is_discarding: bool = False
    report: Report = field(init=False)
    # Shard and sequence number of what this run has set aside, which the queue shows in the same run, and of what it
    # has found in messages of their own.
    _set_aside: set[tuple[str, str]] = field(default_factory=set)
    _named: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.report = Report(self.is_dry)

    @classmethod
    def of(cls, stack: Operated, queue: FailureQueue, *, is_dry: bool, is_discarding: bool) -> Self:
        applier = Applier(stack.client("lambda"), stack.outputs["AggregateFunctionName"])
        return cls(queue, StreamRecords(stack.client("kinesis")), applier, is_dry, is_discarding)

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
            if (known := self._known(failure)) is not None:
                self._settle(message_id, {known})
                continue
            fates = set()
            for redriven in self._records(failure):
                self.report.records.append(redriven)
                fates.add(redriven.fate)
                yield redriven
            self._settle(message_id, fates)
        # The queue may show them later than it took them.
        self.report.left += len(self._set_aside - self._named)

    def _known(self, failure: Failure) -> Fate | None:
        """What is known of a record by itself, if this run has come across it already."""
        if not _is_poison(failure):
            return None
        record = (failure.place.shard_id, failure.place.start_sequence_number)
        if record in self._named:
            # A range that could not be deleted has it set aside each time.
            return Fate.SET_ASIDE
        self._named.add(record)
        return Fate.POISON if record in self._set_aside else None

    def _settle(self, message_id: str, fates: set[Fate]) -> None:
        if fates <= DONE:
            self.report.redriven += 1
        elif self.is_discarding and fates <= DONE | HOPELESS:
            self.report.discarded += 1
        else:
            self.report.left += 1
            return
        if not self.is_dry:
            self.queue.delete(message_id)

    def _records(self, failure: Failure) -> Iterator[Redriven]:
        place = failure.place
        if failure.data:
            yield self._redrive(failure, place.start_sequence_number, failure.data)
            return
        found = self.stream.of(place)
        for sequence_number, data in found:
            yield self._redrive(failure, sequence_number, base64.b64encode(data).decode())
        if missing := max(0, place.batch_size - len(found)):
            last = place.end_sequence_number if place.batch_size > 1 else ""
            reason = "the stream does not have it any more"
            yield Redriven(place.shard_id, place.start_sequence_number, Fate.EXPIRED, last, missing, reason=reason)

    def _redrive(self, failure: Failure, sequence_number: str, data: str) -> Redriven:
        shard_id = failure.place.shard_id
        if self.is_dry:
            return _looked_at(failure, sequence_number, data)
        answer = self._apply(failure, sequence_number, data)
        if "errorMessage" in answer:
            reason = f"{answer.get('errorType', 'error')}: {answer['errorMessage']}"
            return Redriven(shard_id, sequence_number, Fate.FAILED, reason=reason)
        if answer["poison"]:
            [poison] = answer["poison"]
            # An aggregator of before does not know how to.
            if poison.get("is_handed_over"):
                self._set_aside.add((shard_id, sequence_number))
                return Redriven(shard_id, sequence_number, Fate.SET_ASIDE, reason=poison["reason"])
            return Redriven(shard_id, sequence_number, Fate.POISON, reason=poison["reason"])
        pings = {fate.value: answer[fate.value] for fate in SETTLED}
        best = next((Fate(name) for name, number in pings.items() if number), Fate.DUPLICATE)
        return Redriven(shard_id, sequence_number, best, pings=pings)

    def _apply(self, failure: Failure, sequence_number: str, data: str) -> dict[str, Any]:
        entry = {
            "eventID": f"{failure.place.shard_id}:{sequence_number}",
            "eventSource": "aws:kinesis",
            "eventSourceARN": failure.place.stream_arn,
            "eventName": "aws:kinesis:record",
            "kinesis": {"sequenceNumber": sequence_number, "data": data},
        }
        return self.applier.answer({"redrive": True, "hand_over": not _is_poison(failure), "Records": [entry]})


def _is_poison(failure: Failure) -> bool:
    """Whether a message is about a single record that could not be applied; otherwise it names a range."""
    return failure.request.condition == POISON


def _looked_at(failure: Failure, sequence_number: str, data: str) -> Redriven:
    shard_id = failure.place.shard_id
    try:
        cities = decode_record(base64.b64decode(data)).cities
    except PoisonRecord as error:
        fate = Fate.POISON if _is_poison(failure) else Fate.SET_ASIDE
        return Redriven(shard_id, sequence_number, fate, reason=str(error))
    return Redriven(shard_id, sequence_number, Fate.READABLE, pings={"readable": sum(map(len, cities.values()))})
