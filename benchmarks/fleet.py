"""A fleet that drives through Lagos, as request bodies: the same on every run."""

import json
import random
from collections.abc import Iterator

DRIVERS = 10_000
PINGS_PER_REQUEST = 500
INTERVAL_MS = 5_000

# A driver in a city moves about 8 m/s: some 40 m between two pings.
STEP_DEGREES = 0.00035


def rounds(number: int, started_at: int) -> Iterator[tuple[int, list[bytes]]]:
    """For each round, in which every driver pings once: when it ends, and its requests' bodies."""
    dice = random.Random(1)  # noqa: S311 - it only has to be the same every time
    positions = [(dice.gauss(6.53, 0.05), dice.gauss(3.38, 0.06)) for _ in range(DRIVERS)]
    for index in range(1, number + 1):
        now = started_at + index * INTERVAL_MS
        pings = []
        for driver, (lat, lon) in enumerate(positions):
            moved = (lat + dice.gauss(0, STEP_DEGREES), lon + dice.gauss(0, STEP_DEGREES))
            positions[driver] = moved
            pings.append(
                {
                    "driver_id": f"driver-{driver:05}",
                    "sampled_at": now - dice.randrange(INTERVAL_MS),
                    "lat": round(moved[0], 5),
                    "lon": round(moved[1], 5),
                    "speed": round(dice.uniform(0, 15), 1),
                    "heading": dice.randrange(360),
                }
            )
        yield (
            now,
            [
                json.dumps({"pings": pings[first : first + PINGS_PER_REQUEST]}).encode()
                for first in range(0, DRIVERS, PINGS_PER_REQUEST)
            ],
        )
