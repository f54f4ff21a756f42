import io

import pytest
from rich.console import Console

from fleetglow.progress import Progress


def shown(**options: bool) -> tuple[Progress, io.StringIO]:
    written = io.StringIO()
    return Progress(Console(file=written, width=200, **options)), written  # type: ignore[arg-type]


def test_a_step_that_is_done_is_one_plain_line_where_there_is_no_terminal() -> None:
    progress, written = shown(force_terminal=False)

    with progress.step("deploy") as tell:
        tell("3 resources done")

    assert ["deploy  0.0 s"] == written.getvalue().splitlines()


def test_a_step_that_fails_is_not_reported_as_done() -> None:
    progress, written = shown(force_terminal=False)

    with pytest.raises(ValueError, match="broken"), progress.step("deploy"):
        raise ValueError("broken")

    assert "" == written.getvalue()


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    progress, written = shown(force_terminal=False)

    progress.say("[bold] queue")

    assert "[bold] queue\n" == written.getvalue()
