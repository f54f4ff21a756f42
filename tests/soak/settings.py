"""How large a run is and how long it takes: defaults that can be set by the environment, as `SCALE_VIEWERS=200`."""

import os
from dataclasses import dataclass, fields
from typing import Self

SEED = 1


@dataclass(frozen=True)
class _Settings:
    @classmethod
    def from_env(cls, prefix: str) -> Self:
        """The defaults, but for what `<prefix>_<NAME>` sets.

        Raises:
            ValueError: a value is no number above zero.
        """
        values = {}
        for field in fields(cls):
            name = f"{prefix}_{field.name.upper()}"
            if text := os.environ.get(name):
                values[field.name] = _positive(name, text, is_whole=isinstance(field.default, int))
        return cls(**values)


@dataclass(frozen=True)
class Scale(_Settings):
    """The scale run.

    Attributes:
        viewers, viewports: connections, and the distinct viewports that they watch.
        drivers, interval_s: who ping so often.
        minutes: how long it is measured, once everybody is connected.
        audiences: processes that the viewers are spread over.
    """

    viewers: int = 2_000
    viewports: int = 200
    drivers: int = 10_000
    interval_s: float = 5.0
    minutes: float = 10.0
    audiences: int = 2


@dataclass(frozen=True)
class Soak(_Settings):
    """The soak, as `Scale`, and what is broken in it.

    Attributes:
        minutes: for how long things are broken.
        lost_posts: share of the messages to viewers that never arrive.
        cuts_per_s: connections that are cut each second.
        outage_every_s: seconds between two processes that are killed.
    """

    viewers: int = 300
    viewports: int = 60
    drivers: int = 3_000
    interval_s: float = 5.0
    minutes: float = 5.0
    audiences: int = 1
    lost_posts: float = 0.05
    cuts_per_s: float = 1.0
    outage_every_s: float = 15.0


def _positive(name: str, text: str, *, is_whole: bool) -> float:
    try:
        value = int(text) if is_whole else float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise ValueError(f"{name}: expected a {'whole ' * is_whole}number above zero, got {text!r}")
    return value
