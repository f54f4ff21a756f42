"""Puts the fixes of a file of any size in the order of their times: sorted in runs, merged from scratch files."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import batched
from operator import attrgetter
from typing import IO

import msgspec

from fleetglow.tracks.fix import Fix

RUN_LENGTH = 100_000  # about 25 MB

_BY_TIME = attrgetter("at")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Fix).decode


class SortedFixes:
    """The fixes of a file by time; close it when done, which removes the scratch files.

    Attributes:
        count: how many there are.
        first: the earliest time, UTC milliseconds; 0 if there is none.
        duration_s: from the earliest to the latest.
    """

    def __init__(self, fixes: Iterable[Fix], run_length: int = RUN_LENGTH) -> None:
        self.count = self.first = self._last = 0
        self._scratch = ExitStack()
        self._runs: list[IO[bytes]] = []
        self._last_run: list[Fix] = []
        for chunk in batched(fixes, run_length, strict=False):
            self._take(sorted(chunk, key=_BY_TIME))

    @property
    def duration_s(self) -> float:
        return (self._last - self.first) / 1000

    def _take(self, run: list[Fix]) -> None:
        self.first = min(self.first, run[0].at) if self.count else run[0].at
        self._last = max(self._last, run[-1].at) if self.count else run[-1].at
        self.count += len(run)
        if self._last_run:
            # Most files are one run, and never touch the disk.
            file = self._scratch.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the stack
            file.writelines(_encode(fix) + b"\n" for fix in self._last_run)
            self._runs.append(file)
        self._last_run = run

    def __iter__(self) -> Iterator[Fix]:
        for file in self._runs:
            file.seek(0)
        stored = [map(_decode, file) for file in self._runs]
        return heapq.merge(*stored, self._last_run, key=_BY_TIME)

    def close(self) -> None:
        self._scratch.close()
