"""What the live state answers with."""

from enum import StrEnum

import msgspec

from heatmap.viewports import Audience


class Applied(msgspec.Struct, frozen=True):
    """What became of a batch's pings.

    Attributes:
        applied: moved or refreshed a driver.
        late: not newer than what is known of the driver, or from before the last sweep.
        duplicate: delivered before.
        implausible: too far from where the driver was; held until another agrees with it.
    """

    applied: int = 0
    late: int = 0
    duplicate: int = 0
    implausible: int = 0

    def __add__(self, other: "Applied") -> "Applied":
        mine, others = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Applied(*(a + b for a, b in zip(mine, others, strict=True)))


class Stamp(msgspec.Struct, frozen=True):
    """How fresh an answer about a city is.

    Attributes:
        epoch: new whenever the city's state is born.
        rev: the revision that the answer shows.
        live: drivers in the whole city.
        last_event: when the newest applied ping was received, UTC milliseconds; 0 if none was.
    """

    epoch: str
    rev: int
    live: int
    last_event: int


class View(msgspec.Struct, frozen=True):
    """The cells of one precision that changed after a revision.

    Attributes:
        since: that revision; 0 if these are all the cells, because the wanted revision cannot be completed from.
        cells: the count of each; 0 means it went empty.
    """

    stamp: Stamp
    since: int
    cells: dict[str, int]


class Changes(msgspec.Struct, frozen=True):
    """What changed at one precision since the last tick.

    Attributes:
        viewports: the extents that somebody watches, and for each the revision of the last frame sent for it.
        cells: the count of each changed cell in these viewports, and maybe of others; 0 means it went empty.
    """

    precision: int
    viewports: dict[str, int]
    cells: dict[str, int]


class Tick(msgspec.Struct, frozen=True):
    """One round of the broadcaster in one city.

    Attributes:
        swept: drivers that were taken out because they have gone silent.
        changes: for each precision that has viewers.
    """

    stamp: Stamp
    swept: int
    changes: list[Changes]

    def is_quiet(self, since: int) -> bool:
        """Whether there is nobody to count or to tell, and nothing has come in since a time in UTC milliseconds."""
        return not self.stamp.live and not self.changes and self.stamp.last_event < since

    def is_left(self, since: int) -> bool:
        """Whether nobody watches what is published, nor has watched since a time in UTC milliseconds."""
        # It shows no event that came after its last viewer left.
        return not self.changes and self.stamp.last_event < since


class Sent(msgspec.Struct, frozen=True):
    """What a tick has sent in one city.

    Attributes:
        extents: for each precision that has viewers, the viewports that were sent a frame.
        audience: whose they are.
    """

    stamp: Stamp
    extents: dict[int, list[str]]
    audience: Audience = Audience.EXACT


class Conservation(msgspec.Struct, frozen=True):
    """A city's live drivers beside the sum over its cells at each precision: equal, always.

    Attributes:
        seen: drivers with a last-seen time; one without would never leave.
        sums: of the counts, by precision.
        cells: that hold drivers, by precision.
    """

    stamp: Stamp
    seen: int
    sums: dict[int, int]
    cells: dict[int, int]

    @property
    def exact(self) -> bool:
        return not self.difference

    @property
    def difference(self) -> int:
        """By how many drivers the furthest of the sums is off."""
        return max(abs(total - self.stamp.live) for total in (self.seen, *self.sums.values()))


class Publication(msgspec.Struct, frozen=True):
    """What is to be published of a city.

    Attributes:
        epoch, rev: of what is published already, to which the differences are.
        of: the exact state that it tells of, but with the drivers and the last event that are published.
        differences: for each precision by how much the count of a cell is to change.
    """

    epoch: str
    rev: int
    of: Stamp
    differences: dict[int, dict[str, int]]


class Forgotten(msgspec.Struct, frozen=True):
    """Where a driver was known, and is not any more.

    Attributes:
        counted: the cities that counted it.
        held: those that held a reading too far from where it was.
        silent: those that it has fallen silent in just now.
        at_home: whether it was noted which city it was last at home in.
    """

    counted: list[str]
    held: list[str]
    silent: list[str]
    at_home: bool


class Outcome(StrEnum):
    """What became of a publication.

    DONE: it was written. ELSEWHERE: what is published stands at another epoch or revision. NEWER: a newer state has
    been published.
    """

    DONE = "done"
    ELSEWHERE = "elsewhere"
    NEWER = "newer"


class Publishing(msgspec.Struct, frozen=True):
    """Where what is published stands now, and what became of a publication."""

    epoch: str
    rev: int
    outcome: Outcome
