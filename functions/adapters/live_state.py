"""The live state of every city, in Valkey: exact counts, kept by one script call per batch, and what is published.

The scripts in `lua/` are the only writers of it.
"""

from collections.abc import Callable, Iterable
from itertools import batched, groupby
from typing import Any, Self

import msgspec
import redis

from adapters import answers, valkey
from adapters.batches import Batch
from adapters.city_scripts import CityScripts, key
from adapters.crossings import HOMES_KEY, Crossings
from adapters.observability import logger
from adapters.settings import LiveStateSettings
from adapters.strangers import JUMPS
from heatmap.errors import StaleLease
from heatmap.frames import Encoding
from heatmap.privacy import frames_stamp
from heatmap.state import Applied, Conservation, Forgotten, Publication, Publishing, Sent, Tick, View
from heatmap.viewports import Audience, Viewport

# A managed cache takes 3,999 arguments in one request.
EXTENTS_PER_CALL = 3_000

# Reading viewers holds up the drivers: 1,000 viewports are some 3 ms.
VIEWPORTS_PER_CALL = 1_000

# A viewer that was away for longer than this may have to take a snapshot instead of resuming: by then nearly every cell
# has changed, and the two are as large. What went empty is kept for up to twice as long, which is most of the memory.
TOMBSTONE_MS = 120_000

# A city without a driver or a viewer for so long costs no ticks until somebody pings from it or watches it again.
QUIET_MS = 3_600_000

# The cities that ticks are made in.
CITIES_KEYS = {Audience.EXACT: "cities", Audience.PUBLIC: "cities:public"}
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

    def apply(
        self,
        cities: dict[str, list[str | bytes]],
        received_at: int,
        jump_speed: Callable[[str], float] = lambda city: 0,
    ) -> Applied:
        """Move drivers to where their pings say they are; a ping that is not newer changes nothing.

        Args:
            cities: for each city driver, register, driver, register, …
            received_at: when the newest of the pings reached us, UTC milliseconds.
            jump_speed: metres per second above which a driver of a city has jumped; 0 if none ever has.

        Raises:
            Unavailable: the state did not answer; some of the pings may have been applied, and all may be again.
        """
        swept_to = self._note_cities(cities)
        batch = Batch(self._client, self._scripts, received_at, swept_to, jump_speed)
        applied = batch.apply(cities)
        self._note_cities(cities)
        for city, arrivals in batch.arrivals.items():
            self._crossings.settle(city, arrivals)
        logger.debug("pings applied", revs=batch.revs)
        return applied

    def cities(self, audience: Audience = Audience.EXACT) -> list[str]:
        """The cities and regions that have been pinged from; or those whose published counts somebody watches."""
        with valkey.answering("the live state"):
            return sorted(valkey.text(city) for city in self._client.smembers(CITIES_KEYS[audience]))

    def tick(self, cities: list[str], token: int, due_at: int, now: int, driver_ttl_ms: int) -> dict[str, Tick]:
        """Take out silent drivers and tell what changed where somebody watches, in each city.

        A city in which another broadcaster has made this tick is left out of the answer.

        Args:
            token: the fencing token of the lease.
            due_at: when the tick is due, UTC milliseconds; each is made once, and none that was due before it.
            now: UTC milliseconds.
            driver_ttl_ms: a driver whose newest ping is this old has gone silent.

        Raises:
            StaleLease: another broadcaster has taken over.
            Unavailable: the state did not answer.
        """
        silent = now - driver_ttl_ms
        valkey.run(self._client, valkey.script("swept"), [([SWEPT_KEY], [silent])])
        made = self._ticks(cities, (token, due_at, now, silent, TOMBSTONE_MS), Audience.EXACT)
        self._crossings.forget({city: answer[4] for city, answer in made.items() if answer[4]})
        ticks = {city: answers.tick(answer) for city, answer in made.items()}
        self._forget_quiet([city for city, tick in ticks.items() if tick.is_quiet(now - QUIET_MS)])
        return ticks

    def tick_published(self, cities: list[str], token: int, due_at: int, now: int) -> dict[str, Tick]:
        """As `tick`, of what is published, in which there are no drivers to take out."""
        made = self._ticks(cities, (token, due_at, now, 0, TOMBSTONE_MS), Audience.PUBLIC)
        ticks = {city: answers.tick(answer) for city, answer in made.items()}
        self._unpublish([city for city, tick in ticks.items() if tick.is_left(now - TOMBSTONE_MS)])
        return {city: msgspec.structs.replace(tick, stamp=frames_stamp(tick.stamp)) for city, tick in ticks.items()}

    def _ticks(
        self, cities: list[str], arguments: tuple[int, int, int, int, int], audience: Audience
    ) -> dict[str, list[Any]]:
        """What the script answers, in the cities in which this tick was not made before."""
        token, due_at, *_ = arguments
        found = self._scripts.run("tick", [self._scripts.call(c, *arguments, audience=audience) for c in cities])
        if not all(found):
            raise StaleLease(f"tick {due_at}: another broadcaster has a newer token than {token}")
        return {city: answer for city, answer in zip(cities, found, strict=True) if answer[0]}

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
        return self._scripts.call(city, *arguments, epoch=sent.stamp.epoch, audience=sent.audience)

    def view(
        self, city: str, precision: int, since: int = 0, epoch: str = "", audience: Audience = Audience.EXACT
    ) -> View:
        """The cells that changed after a revision of an epoch, or all of them."""
        return self._view(self._scripts.call(city, self._index(precision), since, epoch, audience=audience), audience)

    def watch(
        self, viewport: Viewport, connection_id: str, encoding: Encoding, since: int = 0, epoch: str = ""
    ) -> View:
        """As `view`, and from that revision on the connection is among the viewport's viewers."""
        arguments = (self._index(viewport.precision), since, epoch, viewport.extent, connection_id, encoding.value)
        call = self._scripts.call(
            viewport.city, *arguments, last_key=_viewers_key(viewport), audience=viewport.audience
        )
        self._note_cities([viewport.city], viewport.audience)
        view = self._view(call, viewport.audience)
        self._note_cities([viewport.city], viewport.audience)
        return view

    def unwatch(self, viewports: list[Viewport], connection_id: str) -> None:
        """The connection is no longer among these viewports' viewers."""
        calls: list[valkey.Call] = [
            ([_viewers_key(v), key(v.city, f"v:{v.precision}", v.audience)], [connection_id, v.extent])
            for v in viewports
        ]
        valkey.run(self._client, valkey.script("unwatch"), calls)

    def viewers(self, viewports: list[Viewport]) -> list[dict[Encoding, list[str]]]:
        """The connections that watch each of these viewports, by the encoding they want."""
        calls: list[valkey.Call] = [
            ([_viewers_key(viewport) for viewport in part], [])
            for _, of_city in groupby(viewports, lambda viewport: viewport.city)
            for part in batched(of_city, VIEWPORTS_PER_CALL, strict=False)
        ]
        found = valkey.run(self._client, valkey.script("viewers"), calls)
        return [each for answer in found for each in answers.viewers(answer)]

    def is_watched(self, city: str, audience: Audience) -> bool:
        """Whether there are viewports of a city with viewers of that audience."""
        with valkey.answering("the live state"):
            return bool(self._client.exists(*(key(city, f"v:{p}", audience) for p in self.precisions)))

    def publish(self, city: str, changes: Publication) -> Publishing:
        """Write what is published of a city, if it still stands where the changes begin."""
        arguments: list[valkey.Argument] = [changes.epoch, changes.rev, changes.of.epoch, changes.of.rev]
        arguments += [changes.of.live, changes.of.last_event]
        for precision, cells in changes.differences.items():
            arguments += [self._index(precision), " ".join(cells), " ".join(map(str, cells.values()))]
        [answer] = self._scripts.run("publish", [self._scripts.call(city, *arguments, audience=Audience.PUBLIC)])
        return answers.publishing(answer)

    def forget(self, driver_id: str) -> Forgotten:
        """Take a driver out of every city, and out of everything that is noted about it.

        Raises:
            Unavailable: the state did not answer; some of it may be done, and all may be again.
        """
        with valkey.answering("the live state"):
            home = valkey.text(self._client.hget(HOMES_KEY, driver_id) or "")
        cities = sorted({*self.cities(), *filter(None, [home])})
        calls = [self._scripts.call(c, driver_id, int(c == home), last_key=key(c, JUMPS)) for c in cities]
        found = self._scripts.run("forget", calls)
        counted, held, silent = ([city for city, each in zip(cities, found, strict=True) if each[n]] for n in range(3))
        if counted or home:
            # Its home goes with the next tick of that city, which a tick in between may have forgotten.
            self._note_cities(filter(None, [*counted, home]))
        return Forgotten(counted, held, silent, bool(home))

    def check(self, cities: list[str]) -> dict[str, Conservation]:
        """Live drivers beside the sums over the cells, in each city as of one moment."""
        found = self._scripts.run("check", [self._scripts.call(city) for city in cities])
        return {city: answers.conservation(answer) for city, answer in zip(cities, found, strict=True)}

    def follow(self, cities: list[str]) -> None:
        """Have cities that are counted at other precisions counted at these."""
        self._scripts.run("follow", [self._scripts.call(city) for city in cities])

    def recount(self, city: str) -> None:
        """Derive the counts anew from the drivers, under a new epoch."""
        self._scripts.run("recount", [self._scripts.call(city)])

    def _index(self, precision: int) -> int:
        """As the scripts count."""
        return self.precisions.index(precision) + 1

    def _view(self, call: valkey.Call, audience: Audience) -> View:
        [answer] = self._scripts.run("view", [call])
        view = answers.view(answer)
        if audience is Audience.EXACT:
            return view
        return msgspec.structs.replace(view, stamp=frames_stamp(view.stamp))

    def _forget_quiet(self, cities: list[str]) -> None:
        if not cities:
            return
        pipeline = self._client.pipeline(transaction=False)
        pipeline.srem(CITIES_KEYS[Audience.EXACT], *cities)
        for city in cities:
            pipeline.exists(key(city, "drivers"), *(key(city, f"v:{precision}") for precision in self.precisions))
        with valkey.answering("the live state"):
            _, *in_use = pipeline.execute()
        # Somebody may have come back in between, to drive or to watch: then the city stays.
        if back := [city for city, keys in zip(cities, in_use, strict=True) if keys]:
            self._note_cities(back)

    def _unpublish(self, cities: list[str]) -> None:
        if not cities:
            return
        with valkey.answering("the live state"):
            self._client.srem(CITIES_KEYS[Audience.PUBLIC], *cities)
        in_use = self._scripts.run("unpublish", [self._scripts.call(c, audience=Audience.PUBLIC) for c in cities])
        if back := [city for city, is_used in zip(cities, in_use, strict=True) if is_used]:
            self._note_cities(back, Audience.PUBLIC)

    def _note_cities(self, cities: Iterable[str], audience: Audience = Audience.EXACT) -> bytes:
        """See to it that no tick leaves these out; returns when drivers were last swept.

        Before a state is touched, for a failure in between, and after, for a tick in between that forgets a quiet city.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.sadd(CITIES_KEYS[audience], *cities)
        pipeline.get(SWEPT_KEY)
        with valkey.answering("the live state"):
            _, swept_to = pipeline.execute()
        return swept_to or b""


def _viewers_key(viewport: Viewport) -> str:
    return key(viewport.city, f"c:{viewport.precision}:{viewport.extent}", viewport.audience)
