"""The account of every accepted ping: what the stream holds beside what the aggregator says that became of it."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from heatmap.errors import PoisonRecord
from heatmap.records import decode

OUTCOMES = ("applied", "implausible", "late", "duplicate")
# What orders a driver's pings: sampled_at, received_at, geohash.
type Order = tuple[int, int, str]

# Where in a ping's details the fleet's number of the ping stands.
_ORDER_ID = 5
_FINDINGS = 5


class _Entry(msgspec.Struct, frozen=True):
    """A record of the stream: the numbers of its pings; None if nobody can read it."""

    pings: tuple[str, ...] | None


class Report(msgspec.Struct, frozen=True):
    """What the aggregator said of one delivery.

    Attributes:
        by: who delivered it: stream, adversary or redrive.
        numbers: of its records.
        outcomes: how many of their pings were applied, late and so on.
        poison: records.
    """

    by: str
    shard_id: str
    numbers: Sequence[int]
    outcomes: Mapping[str, int]
    poison: int

    @classmethod
    def of(cls, by: str, shard_id: str, numbers: Sequence[int], answer: Mapping[str, Any]) -> "Report":
        """A report from what the handler answers, or logs."""
        outcomes = {name: int(answer.get(name, 0)) for name in OUTCOMES}
        return cls(by, shard_id, numbers, outcomes, len(answer.get("poison", ())))


class Account(msgspec.Struct, frozen=True):
    """The account, and what of it does not add up."""

    figures: Mapping[str, int]
    findings: Sequence[str]


class Ledger:
    """Notes what happens, in any order, and closes the account.

    Attributes:
        newest: of each driver in the city, the newest ping in the stream.
    """

    def __init__(self, city: str) -> None:
        self._city = city
        self.newest: dict[str, Order] = {}
        self._records: dict[str, dict[int, _Entry]] = defaultdict(dict)
        self._accepted: set[str] = set()
        self._reports: list[Report] = []
        self._ranges: list[tuple[str, str, int, int, Mapping[str, Any]]] = []

    def read(self, shard_id: str, number: int, data: bytes) -> None:
        """The stream holds a record."""
        try:
            record = decode(data)
        except PoisonRecord:
            self._records[shard_id][number] = _Entry(None)
            return
        pings = []
        for city, samples in record.cities.items():
            for index, each in enumerate(samples):
                # One without a number is not of this run's fleet, and is a ping of its own.
                pings.append(msgspec.json.decode(each.details)[_ORDER_ID] or f"{shard_id} {number} {city} {index}")
                if city == self._city:
                    order = (each.sampled_at, record.received_at, each.geohash)
                    self.newest[each.driver_id] = max(order, self.newest.get(each.driver_id, order))
        self._records[shard_id][number] = _Entry(tuple(pings))

    def accept(self, pings: Iterable[str]) -> None:
        """Senders were told that these pings are accepted."""
        self._accepted.update(pings)

    def report(self, report: Report) -> None:
        self._reports.append(report)

    def report_range(self, by: str, shard_id: str, first: int, last: int, answer: Mapping[str, Any]) -> None:
        """A delivery of all records from one to another, of which some may not have been read from the stream yet."""
        self._ranges.append((by, shard_id, first, last, answer))

    def unreported(self) -> list[tuple[str, int]]:
        """Records of which nobody has said what became of them."""
        return self._unreported(self._all_reports())

    def _unreported(self, reports: Iterable[Report]) -> list[tuple[str, int]]:
        said = {(report.shard_id, number) for report in reports for number in report.numbers}
        return [
            (shard_id, number)
            for shard_id, records in self._records.items()
            for number in records
            if (shard_id, number) not in said
        ]

    def unreadable(self) -> set[int]:
        """The sequence numbers of the records that nobody can read."""
        return {number for records in self._records.values() for number, each in records.items() if each.pings is None}

    def account(self) -> Account:
        """Close it."""
        findings = []
        reports = self._all_reports()
        entries = [entry for records in self._records.values() for entry in records.values()]
        in_stream = Counter(ping for entry in entries for ping in entry.pings or ())
        if lost := self._accepted - in_stream.keys():
            findings.append(f"{len(lost):,} accepted pings never were in the stream, as {sorted(lost)[:_FINDINGS]}")
        unreported = self._unreported(reports)
        if unreported:
            findings.append(f"of {len(unreported):,} records nobody knows what became, as {unreported[:_FINDINGS]}")
        findings += [finding for report in reports for finding in self._differences(report)][:_FINDINGS]
        figures = {
            "pings accepted": len(self._accepted),
            "pings in the stream": in_stream.total(),
            "of these sent again": in_stream.total() - len(in_stream),
            "of these nobody was told of": len(in_stream.keys() - self._accepted),
            "records in the stream": len(entries),
            "of these unreadable": sum(entry.pings is None for entry in entries),
        }
        for by in sorted({report.by for report in reports}):
            some = [report for report in reports if report.by == by]
            figures[f"deliveries by {by}"] = len(some)
            for name in OUTCOMES:
                figures[f"pings {name}, by {by}"] = sum(report.outcomes[name] for report in some)
        delivered = Counter((each.shard_id, number) for each in reports for number in each.numbers)
        figures["records delivered more than once"] = sum(times > 1 for times in delivered.values())
        figures["records that nobody knows of"] = len(unreported)
        return Account(figures, findings)

    def _all_reports(self) -> list[Report]:
        numbers = {shard_id: sorted(records) for shard_id, records in self._records.items()}
        found = list(self._reports)
        for by, shard_id, first, last, answer in self._ranges:
            known = numbers.get(shard_id, [])
            within = known[bisect_left(known, first) : bisect_right(known, last)]
            found.append(Report.of(by, shard_id, within, answer))
        return found

    def _differences(self, report: Report) -> list[str]:
        entries = [self._records[report.shard_id][number] for number in report.numbers]
        pings = sum(len(entry.pings or ()) for entry in entries)
        poison = sum(entry.pings is None for entry in entries)
        told = sum(report.outcomes.values())
        if (pings, poison) == (told, report.poison):
            return []
        where = f"{report.shard_id} {report.numbers[0]} to {report.numbers[-1]}" if report.numbers else report.shard_id
        told_of = f"{told:,} and {report.poison} are accounted for: {dict(report.outcomes)}"
        return [f"{report.by} delivered {pings:,} pings and {poison} unreadable records ({where}), but {told_of}"]


def registers_differ(ledger: Ledger, registers: Mapping[str, Order], swept_to: int) -> list[str]:
    """Drivers whom the live state has elsewhere than their newest ping in the stream says."""
    expected = {driver: order for driver, order in ledger.newest.items() if order[0] > swept_to}
    return [
        f"{driver}: expected {expected.get(driver)}, got {registers.get(driver)}"
        for driver in sorted(expected.keys() | registers.keys())
        if expected.get(driver) != registers.get(driver)
    ]
