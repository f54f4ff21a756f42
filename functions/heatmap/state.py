"""What the live state answers with."""

import msgspec


class Applied(msgspec.Struct, frozen=True):
    """What became of a batch's pings.

    Attributes:
        applied: moved or refreshed a driver.
        late: not newer than what is known of the driver, or from before the last sweep.
        duplicate: delivered before.
    """

    applied: int = 0
    late: int = 0
    duplicate: int = 0


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
        cells: the count of each changed cell; 0 means it went empty.
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


class Sent(msgspec.Struct, frozen=True):
    """What a tick has sent in one city.

    Attributes:
        extents: for each precision that has viewers, the viewports that were sent a frame.
    """

    stamp: Stamp
    extents: dict[int, list[str]]


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
        return all(total == self.stamp.live for total in (self.seen, *self.sums.values()))
