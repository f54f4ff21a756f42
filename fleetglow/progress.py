"""What a command does at the moment, on stderr: a live status line in a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

type Detail = Callable[[str], None]


class Progress:
    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)

    @contextmanager
    def step(self, what: str) -> Iterator[Detail]:
        """Show `what` while the block runs, then how long it took; the block may add detail as it goes."""
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(what) as status:
                yield lambda detail: status.update(f"{what}: {detail}")
        else:
            yield lambda _: None
        self.say(f"{what}  {time.monotonic() - started:.1f} s")

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)
