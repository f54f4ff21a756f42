"""What `simulate` and `play` have in common: where to send, progress while it goes, a summary at the end."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fleetglow.clock import Clock, SystemClock
from fleetglow.deployment import discover
from fleetglow.errors import INTERRUPTED
from fleetglow.follower import Follower, Target
from fleetglow.options import http_url, paired_options
from fleetglow.outlet import Run
from fleetglow.sender import Post, Sender, Tally, http_post
from heatmap.access import PINGS_WRITE

PLAIN_EVERY_S = 5.0
REASONS_SHOWN = 5


class Summary(msgspec.Struct):
    """What scripts read: counts of pings, request latencies in milliseconds (null if none), seconds it took."""

    sent: int
    accepted: int
    rejected: int
    p50_ms: float | None
    p99_ms: float | None
    seconds: float


@dataclass(frozen=True)
class Destination:
    """Whom the traffic is for: `find` says where it is now, if it is the stack here, which may move."""

    target: Target
    find: Callable[[], Target] | None = None

    def opened(self, clock: Clock) -> AbstractAsyncContextManager[Post]:
        return Follower(self.target, self.find, _post_to, clock) if self.find else _post_to(self.target)


def _post_to(target: Target) -> AbstractAsyncContextManager[Post]:
    return http_post(target.rest_url, target.token)


def destination(rest_url: str | None, token: str | None, duration_s: float) -> Destination:
    """The stack that the options name, else the one that runs here, with a token that outlasts the traffic.

    Raises:
        BadInput: one of the two options is given without the other.
        NotRunning: no option is given and no stack runs.
    """
    if elsewhere := paired_options("--rest-url", rest_url, "--token", token):
        url, secret = elsewhere
        return Destination(Target(http_url("--rest-url", url), secret))

    def find(*, briefly: bool) -> Target:
        here = discover(briefly=briefly)
        return Target(here.rest_url, here.token(PINGS_WRITE, "traffic", int(duration_s) + 600))

    return Destination(find(briefly=False), partial(find, briefly=True))


def carry(
    whom: Destination,
    duration_s: float,
    traffic: Callable[[Run], Awaitable[None]],
    *,
    as_json: bool,
    rejected_before: int = 0,
) -> None:
    """Let traffic flow, tell on stderr how it goes, and print its summary on stdout.

    Args:
        duration_s: how long it takes if all goes well.
        traffic: submits pings until it is done or the run is stopped.
        rejected_before: pings that could not even be sent; the summary counts them as rejected.

    Raises:
        typer.Exit: with 130, after Ctrl-C and the summary so far.
        NotRunning, Refused: nothing answers, or the token is not taken.
    """
    with _progress(duration_s) as tell:
        tally, seconds, was_stopped = asyncio.run(_flow(whom, traffic, tell))
    summary = Summary(
        sent=tally.sent,
        accepted=tally.accepted,
        rejected=rejected_before + tally.rejected,
        p50_ms=tally.percentile_ms(0.5),
        p99_ms=tally.percentile_ms(0.99),
        seconds=round(seconds, 2),
    )
    for reason, count in tally.reasons.most_common(REASONS_SHOWN):
        typer.echo(f"rejected {count:,}: {reason}", err=True)
    typer.echo(msgspec.json.encode(summary).decode() if as_json else readable(summary))
    if was_stopped:
        raise typer.Exit(INTERRUPTED)


async def _flow(
    whom: Destination, traffic: Callable[[Run], Awaitable[None]], tell: Callable[[float, Tally], None]
) -> tuple[Tally, float, bool]:
    clock = SystemClock()
    async with whom.opened(clock) as post:
        sender = Sender(post, clock)
        run = Run(sender, tell)
        started = clock.monotonic()
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            # The first Ctrl-C ends it in good order; the second finds Python's own handler and ends it at once.
            run.stop()
            loop.remove_signal_handler(signal.SIGINT)

        loop.add_signal_handler(signal.SIGINT, interrupt)
        try:
            await traffic(run)
            await sender.finish(lambda: run.is_stopped)
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        return sender.tally, clock.monotonic() - started, run.is_stopped


def readable(summary: Summary) -> str:
    """The summary as a line for people."""
    rate = summary.sent / summary.seconds if summary.seconds else 0
    latency = (
        f"requests took {summary.p50_ms:g} ms (p50), {summary.p99_ms:g} ms (p99)"
        if summary.p50_ms is not None and summary.p99_ms is not None
        else "no request was answered"
    )
    return (
        f"{summary.sent:,} pings sent in {summary.seconds:g} s ({rate:,.0f}/s): "
        f"{summary.accepted:,} accepted, {summary.rejected:,} rejected; {latency}"
    )


@contextmanager
def _progress(duration_s: float) -> Iterator[Callable[[float, Tally], None]]:
    """A bar on a terminal, a line now and then elsewhere; both on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _PlainProgress(duration_s)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Sending pings", total=duration_s, figures="")
        yield lambda passed_s, tally: bar.update(task, completed=passed_s, figures=_figures(tally))


class _PlainProgress:
    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._next_s = PLAIN_EVERY_S

    def __call__(self, passed_s: float, tally: Tally) -> None:
        if passed_s >= self._next_s:
            typer.echo(f"{passed_s:.0f} of {self._duration_s:.0f} s: {_figures(tally)}", err=True)
            self._next_s = passed_s + PLAIN_EVERY_S


def _figures(tally: Tally) -> str:
    retries = f", {tally.retries:,} retries" if tally.retries else ""
    return f"{tally.sent:,} sent, {tally.accepted:,} accepted, {tally.rejected:,} rejected{retries}"
