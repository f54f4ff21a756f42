import json
from pathlib import Path

import pytest

from fleetglow.deployment import Deployment
from fleetglow.errors import BadInput
from fleetglow.page import configuration

DEPLOYMENT = Deployment(
    endpoint_url="http://127.0.0.1:4566",
    rest_url="http://127.0.0.1:4566/_aws/execute-api/a/live",
    websocket_url="ws://127.0.0.1:4510/b/live",
    web_url="",
    redis_url="",
    outputs={"Precisions": "5,6,7"},
)


def test_the_page_is_told_where_its_stack_is_and_what_it_counts() -> None:
    config = json.loads(configuration(DEPLOYMENT))

    assert [5, 6, 7] == config["precisions"]
    assert DEPLOYMENT.websocket_url == config["websocket_url"]
    assert DEPLOYMENT.rest_url == config["rest_url"]


def test_each_city_has_a_name_a_title_and_a_box() -> None:
    cities = json.loads(configuration(DEPLOYMENT))["cities"]

    assert "lagos" in {city["name"] for city in cities}
    assert all({"name", "title", "bbox"} == city.keys() and len(city["bbox"]) == 4 for city in cities)


def test_the_page_is_offered_the_tiles_of_the_file_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = [{"name": "streets", "title": "Streets", "url": "https://tiles.example.org/{z}/{x}/{y}.png"}]
    file = tmp_path / "tiles.json"
    file.write_text(json.dumps(tiles))
    monkeypatch.setenv("FLEETGLOW_TILES", str(file))

    assert tiles == json.loads(configuration(DEPLOYMENT))["tiles"]


def test_without_such_a_file_there_are_none_and_one_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLEETGLOW_TILES", raising=False)
    assert [] == json.loads(configuration(DEPLOYMENT))["tiles"]

    monkeypatch.setenv("FLEETGLOW_TILES", str(tmp_path / "missing.json"))
    with pytest.raises(BadInput, match=r"missing\.json"):
        configuration(DEPLOYMENT)
