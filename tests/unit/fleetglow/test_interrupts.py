import os
import signal
import threading
from collections.abc import Iterator

import pytest

from fleetglow.interrupts import uninterrupted


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_comes_at_the_end_of_the_block():
    done = []

    def work() -> None:
        with uninterrupted():
            press_ctrl_c()
            done.append("to the end")

    with pytest.raises(KeyboardInterrupt):
        work()

    assert ["to the end"] == done
    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)


def test_without_ctrl_c_nothing_comes():
    with uninterrupted():
        pass

    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)


def test_an_error_in_the_block_comes_out_of_it():
    with pytest.raises(ValueError, match="wrong"), uninterrupted():
        raise ValueError("wrong")

    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)


def test_ctrl_c_comes_also_where_the_block_raises():
    def work() -> None:
        with uninterrupted():
            press_ctrl_c()
            raise ValueError("wrong")

    with pytest.raises(KeyboardInterrupt) as caught:
        work()

    assert "wrong" == str(caught.value.__context__)


def test_who_ignores_ctrl_c_goes_on_ignoring_it():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        press_ctrl_c()

    assert signal.SIG_IGN is signal.getsignal(signal.SIGINT)


def test_another_thread_has_no_ctrl_c_to_wait():
    entered = []

    def enter() -> None:
        with uninterrupted():
            entered.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert [signal.default_int_handler] == entered
