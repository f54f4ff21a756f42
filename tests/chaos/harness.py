"""A run: a load under which everything breaks, and then the account of every ping that was accepted."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any
from urllib.parse import urlsplit

from chaos.faults import SHORT_AGE_S, SOCKETS_KILLED, Faults
from chaos.ledger import Account, Ledger, Report, registers_differ
from chaos.proxy import Proxy, proxied
from chaos.settings import Chaos
from chaos.stack import AWAY, Functions, Stream, command
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from heatmap.register import position
from soak.load import Load
from soak.outages import GatewayFaults
from soak.queues import Queues
from soak.report import show, tell
from soak.settings import SEED
from soak.truth import eventually
from soak.worker import Worker, worker

BOOKS_S = 1.0
ADVERSARY_S = 1.5
POISON_S = 5.0
POISONS = (b"", b"\x00 not one of ours", b"x\x9c\x03\x00\x00\x00\x00\x01")
# How the reason begins for which a record is not readable.
UNREADABLE = "record:"
REDRIVES = 10
# Of a batch that the adversary delivers.
BATCH = 12
SETTLED_S = 120.0


@dataclass
class Run:
    """What takes part in a run, and what is found."""

    deployment: Deployment
    instance: Instance
    city: str
    settings: Chaos
    load: Load
    fleet: Worker
    cache: Proxy
    rest: Proxy
    ledger: Ledger
    stream: Stream
    functions: Functions
    faults: Faults
    chance: Random = field(default_factory=lambda: Random(SEED))
    findings: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    _broke: Counter[str] = field(default_factory=Counter)
    _redriven: Counter[str] = field(default_factory=Counter)

    async def go(self, names: Iterable[str], *, is_long: bool) -> None:
        """Break things by their names, wait for the calm, and close the account.

        Args:
            is_long: first the cache is away for so long that the stream gives up; that is redriven at the end.
        """
        gateway = GatewayFaults(self.instance)
        if is_long:
            await asyncio.to_thread(self.functions.rewind, SHORT_AGE_S)
        await self.load.begin()
        # The functions were given another way to the cache: the schedule starts a broadcaster again by and by.
        await self.faults.ticking()
        self.cache.failing = self.settings.cache_failures
        async with asyncio.TaskGroup() as tasks:
            books = tasks.create_task(self._keep_books())
            others = [tasks.create_task(self._deliver_again()), tasks.create_task(self._poison())]
            if is_long:
                await self.faults.give_up()
                # Soon: the local stream is killed later, and has lost by then what AWS's would keep for a day.
                await self._redrive_what_was_given_up()
            await self._begin(gateway)
            try:
                await self._break(names, gateway)
            finally:
                self._broke.update(await asyncio.to_thread(gateway.end))
                self.cache.failing = 0.0
                for each in others:
                    each.cancel()
            tell("calm from now on")
            await self._calm()
            books.cancel()
        await self._close()

    async def _begin(self, gateway: GatewayFaults) -> None:
        losses, cuts = self.settings.lost_posts, self.settings.cuts_per_s
        await asyncio.to_thread(gateway.begin, lose_posts=losses, cut_connections_per_second=cuts)

    async def _break(self, names: Iterable[str], gateway: GatewayFaults) -> None:
        until = asyncio.get_running_loop().time() + 60 * self.settings.minutes
        for name in names:
            await asyncio.sleep(self.settings.outage_every_s)
            if asyncio.get_running_loop().time() > until:
                return
            if name == SOCKETS_KILLED:
                # Its faults die with it.
                self._broke.update(await asyncio.to_thread(gateway.end))
            await self.faults.cause(name)
            if name == SOCKETS_KILLED:
                await self._begin(gateway)

    async def _calm(self) -> None:
        truth = await self.load.stand_still()
        if different := await self.load.different(truth):
            self.findings.append(f"{different:,} viewers do not have what the server has")
        if misplaced := await self.load.misplaced():
            self.findings.append(f"the live state has other viewers than there are: {misplaced}")
        self.figures |= {
            "viewers": dict(await self.load.counters()),
            "gateway": dict(self._broke),
            "cache calls": dict(self.cache.counters),
            "senders' connections": dict(self.rest.counters),
            "faults": dict(self.faults.counters),
            "fleet": await self.load.tally(),
        }
        await self.fleet.ask({"do": "hold"})
        await eventually("all records counted", self._is_all_counted, SETTLED_S)
        differing = await asyncio.to_thread(self._registers_differ)
        if differing:
            self.findings.append(f"{len(differing):,} drivers are not where they pinged from last: {differing[:3]}")
        inexact = [city for city, each in self.load.state.check(self.load.state.cities()).items() if not each.exact]
        if inexact:
            self.findings.append(f"the sums over the cells differ from the live drivers in {', '.join(inexact)}")

    async def _redrive_what_was_given_up(self) -> None:
        given_up = await self._given_up()
        tell(f"the stream gave up {given_up:,} records; they are redriven under load")
        if not given_up:
            self.findings.append("the stream gave nothing up, though the cache was away for longer than it waits")
        for _ in range(REDRIVES):
            # It ends at the first call of the cache that fails for good, and goes on where it was.
            await self._redrive()
            if not await self._given_up():
                return
        self.findings.append(f"after {REDRIVES} attempts to redrive, {await self._given_up()} records are left")

    async def _given_up(self) -> int:
        """How many records the failure queue holds that could be read."""
        shown = await asyncio.to_thread(command, "dlq")
        return sum(each["records"] for each in shown["messages"] if not each["reason"].startswith(UNREADABLE))

    async def _redrive(self, *options: str) -> Mapping[str, int]:
        """Redrive what the failure queue holds, and note what became of it; how many messages were and are left."""
        redriven = await asyncio.to_thread(partial(command, "redrive", *options, statuses=(0, 1)))
        for each in redriven["records"]:
            poison = [each] if each["fate"] in {"poison", "set_aside"} else []
            answer = {**each.get("pings", {}), "poison": poison}
            if each["fate"] not in {"expired", "failed"}:
                self.ledger.report(Report.of("redrive", each["shard_id"], [int(each["sequence_number"])], answer))
        self._redriven.update(redriven["outcomes"])
        messages: dict[str, int] = redriven["messages"]
        return messages

    async def _close(self) -> None:
        """Redrive until each record is accounted for."""
        shown = await asyncio.to_thread(command, "dlq")
        tell(f"the failure queue holds {len(shown['messages']):,} messages of {shown['records']:,} records")
        messages = await self._redrive("--discard")
        self.figures["redriven"] = dict(self._redriven)
        if messages["left"]:
            self.findings.append(f"messages are left in the failure queue: {messages}")
        given_up = {
            each["start_sequence_number"] for each in shown["messages"] if each["reason"].startswith(UNREADABLE)
        }
        if missing := self.ledger.unreadable() - {int(number) for number in given_up}:
            self.findings.append(f"{len(missing)} unreadable records are not in the failure queue")
        self.ledger.accept((await self.fleet.ask({"do": "accepted"}))["accepted"])
        try:
            await eventually("each record reported", self._is_all_reported, 60)
        except TimeoutError:
            tell("some records are not reported")
        await self.load.leave()
        if left := await Queues(self.deployment).left():
            self.findings.append(f"messages are left in the queues: {left}")

    def account(self) -> Account:
        """The account of the pings, with all other findings."""
        account = self.ledger.account()
        return Account(account.figures, [*self.findings, *account.findings])

    def _is_all_counted(self) -> bool:
        return self.stream.is_counted(self.load.client)

    def _is_all_reported(self) -> bool:
        self.functions.read()
        return not self.stream.read() and not self.ledger.unreported()

    def _registers_differ(self) -> list[str]:
        pipeline = self.load.client.pipeline()
        pipeline.hget(f"{{{self.city}}}:meta", "swept_to")
        pipeline.hgetall(f"{{{self.city}}}:drivers")
        swept_to, drivers = pipeline.execute()
        found = {driver.decode(): position(register) for driver, register in drivers.items()}
        orders = {driver: (at.sampled_at, at.received_at, at.geohash) for driver, at in found.items()}
        return registers_differ(self.ledger, orders, int(swept_to or 0))

    async def _keep_books(self) -> None:
        while True:
            for read in (self.stream.read, self.functions.read):
                try:
                    await asyncio.to_thread(read)
                except AWAY:
                    continue
            await asyncio.sleep(BOOKS_S)

    async def _deliver_again(self) -> None:
        """Deliver records once more: the last ones, some in any order, one of long ago, some twice in one batch."""
        while True:
            await asyncio.sleep(ADVERSARY_S)
            recent = list(self.stream.recent)
            if not recent:
                continue
            shard_id = self.chance.choice(recent)[0]
            of_shard = [(number, data) for shard, number, data in recent if shard == shard_id]
            kind = self.chance.choice(("again", "shuffled", "late", "twice"))
            batch = self._batch(kind, of_shard)
            try:
                answer = await asyncio.to_thread(self.functions.invoke, "aggregate", self._event(shard_id, batch))
            except AWAY:
                continue
            if "errorMessage" not in answer:
                numbers = [int(number) for number, _ in batch]
                self.ledger.report(Report.of("adversary", shard_id, numbers, answer))
                self.faults.counters[f"records delivered {kind}"] += len(batch)

    def _batch(self, kind: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        match kind:
            case "again":
                return list(records[-BATCH:])
            case "late":
                return [records[0]]
            case "twice":
                return list(records[-BATCH // 2 :]) * 2
        return self.chance.sample(records, min(BATCH, len(records)))

    def _event(self, shard_id: str, batch: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
        entries = [
            {
                "eventID": f"{shard_id}:{number}",
                "eventSourceARN": self.stream.arn,
                "kinesis": {"sequenceNumber": number, "data": base64.b64encode(data).decode()},
            }
            for number, data in batch
        ]
        # So that the shard's checkpoint stays where the stream itself has come to.
        return {"redrive": True, "Records": entries}

    async def _poison(self) -> None:
        while True:
            await asyncio.sleep(POISON_S)
            async with self.faults.writing:
                try:
                    await asyncio.to_thread(self.stream.put, self.chance.choice(POISONS))
                except AWAY:
                    continue


@asynccontextmanager
async def prepared(deployment: Deployment, instance: Instance, city: str, settings: Chaos) -> AsyncIterator[Run]:
    """A run on a stack whose functions reach the cache, and its senders the API, over networks that can fail."""
    chance = Random(SEED)
    cache_url, rest_url = urlsplit(deployment.redis_url), urlsplit(deployment.rest_url)
    assert cache_url.hostname
    assert cache_url.port
    assert rest_url.hostname
    assert rest_url.port
    async with AsyncExitStack() as running:
        cache = await running.enter_async_context(proxied(cache_url.hostname, cache_url.port, chance))
        rest = await running.enter_async_context(proxied(rest_url.hostname, rest_url.port, chance))
        audiences = [await running.enter_async_context(worker("audience")) for _ in range(settings.audiences)]
        fleet = await running.enter_async_context(worker("chaos.fleet"))
        await fleet.ask({"do": "skew", "skew_s": settings.skew_s, "late_drivers": settings.late_drivers})
        by_proxy = replace(deployment, rest_url=rest_url._replace(netloc=f"127.0.0.1:{rest.port}").geturl())
        load = Load(by_proxy, city, settings, fleet, audiences)
        ledger = Ledger(city)
        stream, functions = Stream(deployment, ledger), Functions(deployment, ledger)
        await asyncio.to_thread(_set_up, functions, cache_url._replace(netloc=f"127.0.0.1:{cache.port}").geturl())
        faults = Faults(
            deployment,
            instance,
            city,
            chance=chance,
            cache=cache,
            rest=rest,
            stream=stream,
            functions=functions,
            fleet=fleet,
        )
        run = Run(deployment, instance, city, settings, load, fleet, cache, rest, ledger, stream, functions, faults)
        try:
            yield run
        finally:
            await asyncio.to_thread(_set_back, functions, deployment.redis_url)


def _set_up(functions: Functions, redis_url: str) -> None:
    functions.set_one("aggregate", "LOG_LEVEL", "DEBUG")
    functions.set_where_set("REDIS_URL", redis_url)
    functions.invoke("broadcast", {}, is_awaited=False)


def _set_back(functions: Functions, redis_url: str) -> None:
    functions.set_one("aggregate", "LOG_LEVEL", "INFO")
    functions.set_where_set("REDIS_URL", redis_url)
    functions.invoke("broadcast", {}, is_awaited=False)


def show_account(run: Run, account: Account) -> None:
    """Print it."""
    show("Broken on purpose", ("", "number"), sorted(run.figures["faults"].items()))
    for name in ("cache calls", "senders' connections", "gateway", "redriven"):
        show(name.capitalize(), ("", "number"), [row for row in sorted(run.figures[name].items()) if row[1]])
    show("The account of the pings", ("", "number"), account.figures.items())
