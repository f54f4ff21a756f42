"""What must not be cut in two by Ctrl-C, and what ends a command like Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Also what a service manager sends, and what a terminal does that is closed.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C in the block comes at its end, instead of an error that the block raised meanwhile.

    So does what else is handled of `ENDINGS`. In another thread than the main one they never come anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: handler for each in ENDINGS if callable(handler := signal.getsignal(each))}
    came: list[signal.Signals] = []

    def note(signum: int, _: object) -> None:
        came.append(signal.Signals(signum))

    for each in before:
        signal.signal(each, note)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            before[came[0]](came[0], None)


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt in the block, unless they are ignored, as under `nohup`."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    deadly = [each for each in ENDINGS if signal.getsignal(each) is signal.SIG_DFL]
    for each in deadly:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)
