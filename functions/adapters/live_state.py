"""The live state of every city, in Valkey: exact counts, kept by one script call per batch.

The scripts in `lua/` are the only writers of it.
"""

from collections.abc import Iterable
from itertools import batched, groupby
from typing import Any, Self

import redis

from adapters import valkey
from adapters.city_scripts import CityScripts
from adapters.crossings import Crossings
from adapters.settings import LiveStateSettings
from heatmap.errors import StaleLease
from heatmap.frames import Encoding
from heatmap.state import Applied, Changes, Conservation, Sent, Stamp, Tick, View
from heatmap.viewports import Viewport

# Driver and register are two arguments each, and a managed cache takes 3,999 in one request.
PINGS_PER_CALL = 1_000
EXTENTS_PER_CALL = 3_000

# Reading viewers holds up the drivers: 1,000 viewports are some 3 ms.
VIEWPORTS_PER_CALL = 1_000

# A viewer that was away for longer than this may have to take a snapshot instead of resuming.
TOMBSTONE_MS = 300_000

# A city without a driver or a viewer for so long costs no ticks until somebody pings from it or watches it again.
QUIET_MS = 3_600_000

_ENCODINGS = {encoding.value.encode(): encoding for encoding in Encoding}

CITIES_KEY = "cities"
SWEPT_KEY = "swept_to"


class LiveState:
    """Drivers, counts and viewports of every city."""

    def __init__(self, client: redis.Redis, precisions: tuple[int, ...]) -> None:
        self._client = client
        self._scripts = CityScripts(client, precisions)
        self._crossings = Crossings(client, self._scripts)
        self.precisions = precisions

    @classmethod
    def from_env(cls) -> Self:
        settings = LiveStateSettings.from_env()
        return cls(valkey.connect(settings.redis_url), settings.precisions)

    def apply(self, cities: dict[str, list[str | bytes]], received_at: int) -> Applied:
        """Move drivers to where their pings say they are; a ping that is not newer changes nothing.

        Args:
            cities: for each city driver, register, driver, register, …
            received_at: when the newest of the pings reached us, UTC milliseconds.

        Raises:
            Unavailable: the state did not answer; some of the pings may have been applied, and all may be again.
        """
        parts = [
            (city, part) for city, flat in cities.items() for part in batched(flat, 2 * PINGS_PER_CALL, strict=False)
        ]
        swept_to = self._note_cities(cities)
        answers = self._scripts.run(
            "apply", [self._scripts.call(city, received_at, swept_to, *part) for city, part in parts]
        )
        self._note_cities(cities)
        # Each part's answer names all who are waiting in the city: the last one is the whole list.
        arrivals = {city: answer[3:5] for (city, _), answer in zip(parts, answers, strict=True)}
        for city, (drivers, registers) in arrivals.items():
            self._crossings.settle(city, dict(zip(drivers, registers, strict=True)))
        applied, late, duplicate = (sum(answer[i] for answer in answers) for i in range(3))
        return Applied(applied, late, duplicate)

    def cities(self) -> list[str]:
        """The cities and regions that have been pinged from."""
        with valkey.answering("the live state"):
            return sorted(valkey.text(city) for city in self._client.smembers(CITIES_KEY))

    def tick(self, cities: list[str], token: int, number: int, now: int, driver_ttl_ms: int) -> dict[str, Tick]:
        """Take out silent drivers and tell what changed where somebody watches, in each city.

        A city in which another broadcaster has made this tick is left out of the answer.

        Args:
            token: the fencing token of the lease.
            number: of the tick; each is made once.
            now: UTC milliseconds.
            driver_ttl_ms: a driver whose newest ping is this old has gone silent.

        Raises:
            StaleLease: another broadcaster has taken over.
            Unavailable: the state did not answer.
        """
        silent = now - driver_ttl_ms
        valkey.run(self._client, valkey.script("swept"), [([SWEPT_KEY], [silent])])
        calls = [self._scripts.call(city, token, number, now, silent, TOMBSTONE_MS) for city in cities]
        answers = self._scripts.run("tick", calls)
        if not all(answers):
            raise StaleLease(f"tick {number}: another broadcaster has a newer token than {token}")
        made = {city: answer for city, answer in zip(cities, answers, strict=True) if answer[0]}
        self._crossings.forget({city: answer[4] for city, answer in made.items() if answer[4]})
        ticks = {city: _tick(answer) for city, answer in made.items()}
        self._forget_quiet([city for city, tick in ticks.items() if tick.is_quiet(now - QUIET_MS)])
        return ticks

    def note_sent(self, token: int, sent: dict[str, Sent]) -> None:
        """Note that these frames are on their way to their viewers, so that the next tick goes on from there."""
        earlier, last = [], []
        for city, each in sent.items():
            noted = [(precision, extent) for precision, extents in each.extents.items() for extent in extents]
            *parts, rest = list(batched(noted, EXTENTS_PER_CALL, strict=False)) or [()]
            earlier += [self._sent_call(city, token, each, part) for part in parts]
            last.append(self._sent_call(city, token, each, rest, is_last=True))
        # A tick is done with its last call; one that fails before leaves the next frame with more than it must hold.
        self._scripts.run("sent", earlier)
        self._scripts.run("sent", last)

    def _sent_call(
        self, city: str, token: int, sent: Sent, noted: tuple[tuple[int, str], ...], *, is_last: bool = False
    ) -> valkey.Call:
        arguments: list[valkey.Argument] = [token, sent.stamp.rev, int(is_last)]
        for precision in sent.extents:
            extents = [extent for of, extent in noted if of == precision]
            arguments += [precision, len(extents), *extents]
        return self._scripts.call(city, *arguments, epoch=sent.stamp.epoch)

    def view(self, city: str, precision: int, since: int = 0, epoch: str = "") -> View:
        """The cells that changed after a revision of an epoch, or all of them."""
        return self._view(self._scripts.call(city, self.precisions.index(precision) + 1, since, epoch))

    def watch(
        self, viewport: Viewport, connection_id: str, encoding: Encoding, since: int = 0, epoch: str = ""
    ) -> View:
        """As `view`, and from that revision on the connection is among the viewport's viewers."""
        index = self.precisions.index(viewport.precision) + 1
        self._note_cities([viewport.city])
        watcher = (viewport.extent, connection_id, encoding.value)
        view = self._view(
            self._scripts.call(viewport.city, index, since, epoch, *watcher, last_key=_viewers_key(viewport))
        )
        self._note_cities([viewport.city])
        return view

    def unwatch(self, viewports: list[Viewport], connection_id: str) -> None:
        """The connection is no longer among these viewports' viewers."""
        calls = [([_viewers_key(v), f"{{{v.city}}}:v:{v.precision}"], [connection_id, v.extent]) for v in viewports]
        valkey.run(self._client, valkey.script("unwatch"), calls)

    def viewers(self, viewports: list[Viewport]) -> list[dict[Encoding, list[str]]]:
        """The connections that watch each of these viewports, by the encoding they want."""
        calls: list[valkey.Call] = [
            ([_viewers_key(viewport) for viewport in part], [])
            for _, of_city in groupby(viewports, lambda viewport: viewport.city)
            for part in batched(of_city, VIEWPORTS_PER_CALL, strict=False)
        ]
        answers = valkey.run(self._client, valkey.script("viewers"), calls)
        return [_by_encoding(flat) for answer in answers for flat in answer]

    def check(self, cities: list[str]) -> dict[str, Conservation]:
        """Live drivers beside the sums over the cells, in each city as of one moment."""
        answers = self._scripts.run("check", [self._scripts.call(city) for city in cities])
        return {city: _conservation(answer) for city, answer in zip(cities, answers, strict=True)}

    def recount(self, city: str) -> None:
        """Derive the counts anew from the drivers, under a new epoch."""
        self._scripts.run("recount", [self._scripts.call(city)])

    def _view(self, call: valkey.Call) -> View:
        [answer] = self._scripts.run("view", [call])
        *stamp, since, cells, counts = answer
        return View(_stamp(stamp), since, _cells(cells, counts))

    def _forget_quiet(self, cities: list[str]) -> None:
        if not cities:
            return
        with valkey.answering("the live state"):
            self._client.srem(CITIES_KEY, *cities)
        # Somebody may have come back in between: then the city stays.
        if back := [city for city, each in self.check(cities).items() if each.stamp.live]:
            self._note_cities(back)

    def _note_cities(self, cities: Iterable[str]) -> bytes:
        """See to it that no tick leaves these out; returns when drivers were last swept.

        Before a state is touched, for a failure in between, and after, for a tick in between that forgets a quiet city.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.sadd(CITIES_KEY, *cities)
        pipeline.get(SWEPT_KEY)
        with valkey.answering("the live state"):
            _, swept_to = pipeline.execute()
        return swept_to or b""


def _viewers_key(viewport: Viewport) -> str:
    return f"{{{viewport.city}}}:c:{viewport.precision}:{viewport.extent}"


def _stamp(values: list[Any]) -> Stamp:
    epoch, rev, live, last_event = values
    return Stamp(epoch.decode(), rev, live, last_event)


def _cells(cells: list[bytes], counts: list[bytes]) -> dict[str, int]:
    return {cell.decode(): int(count) for cell, count in zip(cells, counts, strict=True)}


def _by_encoding(flat: list[bytes]) -> dict[Encoding, list[str]]:
    viewers: dict[Encoding, list[str]] = {}
    for connection_id, encoding in zip(flat[::2], flat[1::2], strict=True):
        viewers.setdefault(_ENCODINGS[encoding], []).append(connection_id.decode())
    return viewers


def _conservation(answer: list[Any]) -> Conservation:
    stamp, seen, counted = answer[:4], answer[4], answer[5:]
    sums, cells = (
        dict(zip(counted[::3], counted[1::3], strict=True)),
        dict(zip(counted[::3], counted[2::3], strict=True)),
    )
    return Conservation(_stamp(stamp), seen, sums, cells)


def _tick(answer: list[Any]) -> Tick:
    stamp, (swept, *parts) = answer[:4], answer[4:]
    changes = []
    for precision, viewports, cells, counts in parts:
        revs = dict(zip(viewports[::2], viewports[1::2], strict=True))
        watched = {extent.decode(): int(rev) for extent, rev in revs.items()}
        changes.append(Changes(precision, watched, _cells(cells, counts)))
    return Tick(_stamp(stamp), len(swept), changes)
