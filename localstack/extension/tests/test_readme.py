"""The tables of settings in the README are complete."""

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def test_every_setting_is_in_the_readme() -> None:
    readme = (PACKAGE / "README.md").read_text()
    sources = [(PACKAGE / "localstack_dockerless" / name).read_text() for name in ("settings.py", "start.py")]
    names = {name for text in sources for name in re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', text)}

    assert {name for name in names - {"XDG_STATE_HOME"} if f"`{name}`" not in readme} == set()
