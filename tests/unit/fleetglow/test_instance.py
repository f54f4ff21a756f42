from pathlib import Path

import pytest

from fleetglow.errors import BadInput, NotRunning
from fleetglow.instance import Instance


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("FLEETGLOW_PORT", "WEBSOCKET_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLEETGLOW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_without_settings_it_is_the_one_on_the_usual_ports(home: Path) -> None:
    assert Instance(home, 4566, 4510) == Instance.from_env()


def test_another_port_moves_the_websocket_along(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("FLEETGLOW_PORT", "5000")

    assert Instance(home, 5000, 4944) == Instance.from_env()


def test_a_port_that_is_given_comes_before_the_setting(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("FLEETGLOW_PORT", "5000")
    monkeypatch.setenv("WEBSOCKET_PORT", "7000")

    assert Instance(home, 6000, 7000) == Instance.from_env(6000)


@pytest.mark.parametrize("port", ["80", "65536", "many", "-1"])
def test_what_is_no_port_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("FLEETGLOW_PORT", port)

    with pytest.raises(BadInput, match=f"^port: expected 1024 to 65535, got '{port}'$"):
        Instance.from_env()


def test_it_is_found_where_it_was_deployed_until_that_is_forgotten() -> None:
    instance = Instance.from_env()

    instance.remember_endpoint("http://127.0.0.1:9999")
    remembered = instance.endpoint_url
    instance.forget_endpoint()

    assert ("http://127.0.0.1:9999", "http://127.0.0.1:4566") == (remembered, instance.endpoint_url)


def test_where_it_is_is_noted_as_a_whole_and_leaves_nothing_else(home: Path) -> None:
    instance = Instance.from_env()
    instance.remember_endpoint("http://127.0.0.1:9999")
    with instance.stack_file.open() as being_read:
        instance.remember_endpoint("http://127.0.0.1:9998")

        assert "9999" in being_read.read()
    assert [instance.stack_file] == list(home.iterdir())


@pytest.mark.parametrize("note", ["", "{}", "[]", "nonsense"])
def test_a_note_of_where_it_is_that_cannot_be_read_is_named(note: str) -> None:
    instance = Instance.from_env()
    instance.make_home()
    instance.stack_file.write_text(note)

    with pytest.raises(NotRunning, match=r"stack.json: expected what `fleetglow up` writes there; run it again$"):
        assert instance.endpoint_url


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(
        BadInput, match=r"^FLEETGLOW_HOME: expected a folder that can be made and written to, got .*/file/x"
    ):
        Instance(tmp_path / "file" / "x", 5000, 5001).make_home()
