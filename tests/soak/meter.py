"""What every process of a run takes: memory and processor time, from /proc."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2e.support import descendants

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
MB = 1_000_000
# What a process of the stack is called, by a word of its command line; the first that fits.
PARTS = {
    "localstack_dockerless.websocket": "WebSocket gateway",
    "localstack_dockerless.warden": "warden",
    "kinesis-local": "kinesis-mock",
    "valkey-server": "Valkey",
}
RUNTIME = "awslambdaric "


@dataclass
class Usage:
    """One process.

    Attributes:
        name: what it is.
        is_load: whether it is not the stack's.
        at: seconds, on `time.monotonic`, of each reading.
        rss_mb, cpu_s: resident memory, and processor seconds so far, at these.
    """

    name: str
    pid: int
    is_load: bool
    at: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def cores(self) -> float:
        """Processor seconds a second, while it was seen."""
        passed = self.at[-1] - self.at[0]
        return (self.cpu_s[-1] - self.cpu_s[0]) / passed if passed else 0.0

    @property
    def middle_mb(self) -> float:
        return self.rss_mb[len(self.rss_mb) // 2]

    def growth_mb(self, since: float) -> float:
        """By how much it grew from a moment to the end, by the straight line that fits its readings best."""
        points = [(at, mb) for at, mb in zip(self.at, self.rss_mb, strict=True) if at >= since]
        mean_at = sum(at for at, _ in points) / max(1, len(points))
        mean_mb = sum(mb for _, mb in points) / max(1, len(points))
        spread = sum((at - mean_at) ** 2 for at, _ in points)
        if not spread:
            return 0.0
        slope = sum((at - mean_at) * (mb - mean_mb) for at, mb in points) / spread
        return slope * (points[-1][0] - points[0][0])


class Meter:
    """Reads all processes below one, and those of the load.

    Args:
        root: LocalStack; the rest of the stack is below it.
        load: names of the processes that are not the stack's, by id.
    """

    def __init__(self, root: int, load: Mapping[int, str]) -> None:
        self._root = root
        self._load = load
        self._usages: dict[tuple[int, str], Usage] = {}
        self._machine: list[tuple[float, float]] = []

    def read(self) -> None:
        """Take one reading of each."""
        now = time.monotonic()
        self._machine.append((now, _busy_s()))
        commands = descendants(self._root)
        names = {pid: _name(command) for pid, command in commands.items()} | {self._root: "LocalStack", **self._load}
        for pid, name in names.items():
            try:
                # Fields after the name, which may hold anything: 11 and 12 are times, 19 the start, 21 the pages.
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            usage = self._usages.setdefault((pid, fields[19]), Usage(name, pid, is_load=pid in self._load))
            usage.at.append(now)
            usage.rss_mb.append(int(fields[21]) * PAGE / MB)
            usage.cpu_s.append((int(fields[11]) + int(fields[12])) / TICKS)

    @property
    def middle(self) -> float:
        """The moment in the middle of all readings."""
        return (self._machine[0][0] + self._machine[-1][0]) / 2

    @property
    def machine_cores(self) -> float:
        """Processor seconds a second that the whole machine was busy with anything."""
        (first_at, first), (last_at, last) = self._machine[0], self._machine[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else 0.0

    def usages(self) -> list[Usage]:
        """Every process that was seen, the busiest first."""
        return sorted(self._usages.values(), key=lambda usage: usage.cores, reverse=True)

    def whole(self) -> list[Usage]:
        """Those that were there in the whole second half."""
        last = self._machine[-1][0]
        return [each for each in self.usages() if each.at[0] <= self.middle and each.at[-1] == last]


def _name(command: str) -> str:
    _, runtime, handler = command.partition(RUNTIME)
    if runtime:
        return f"function {handler.split('.')[0]}"
    return next((name for word, name in PARTS.items() if word in command), command[:40])


def _busy_s() -> float:
    """Processor seconds of the machine that were not idle, nor stolen by another machine."""
    user, nice, system, _idle, _wait, irq, soft = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:8])
    return (user + nice + system + irq + soft) / TICKS
