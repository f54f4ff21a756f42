import re
from pathlib import Path

import pytest

from localstack_dockerless.websocket.settings import Settings

README = Path(__file__).parents[2] / "README.md"
NAMES = {
    "WEBSOCKET_PORT": "port",
    "WEBSOCKET_IDLE_SECONDS": "idle_s",
    "WEBSOCKET_LIFETIME_SECONDS": "lifetime_s",
    "WEBSOCKET_INTEGRATION_TIMEOUT_SECONDS": "integration_timeout_s",
    "WEBSOCKET_CONCURRENCY": "concurrency",
    "WEBSOCKET_CONNECTS_PER_SECOND": "connects_per_s",
    "WEBSOCKET_SEND_BUFFER_BYTES": "send_buffer_bytes",
    "WEBSOCKET_STALLED_SECONDS": "stalled_s",
}


def test_without_an_environment_there_are_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


@pytest.mark.parametrize(("variable", "field"), NAMES.items())
def test_a_setting_comes_from_its_variable(variable: str, field: str) -> None:
    assert getattr(Settings.from_env({variable: "7"}), field) == 7
    assert getattr(Settings.from_env({variable: ""}), field) == getattr(Settings(), field)


@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf"])
def test_a_bad_value_is_refused_with_the_name_of_its_variable(value: str) -> None:
    with pytest.raises(ValueError, match="WEBSOCKET_IDLE_SECONDS"):
        Settings.from_env({"WEBSOCKET_IDLE_SECONDS": value})


@pytest.mark.parametrize("value", ["-1", "65536"])
def test_a_port_is_one_that_there_can_be(value: str) -> None:
    with pytest.raises(ValueError, match=f"WEBSOCKET_PORT: expected 0 to 65535, got {value}"):
        Settings.from_env({"WEBSOCKET_PORT": value})


def test_the_readme_lists_every_setting_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(WEBSOCKET_\w+)` \| (\S+) \|", README.read_text(), re.MULTILINE))
    assert listed == {variable: f"{getattr(Settings(), field):.10g}" for variable, field in NAMES.items()}
