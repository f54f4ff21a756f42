"""The fan-out over connections within this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.credentials import Credentials, ReadOnlyCredentials

from adapters.fan_out import FanOut
from adapters.management.endpoint import Endpoint
from adapters.management.outcome import Outcome
from adapters.management.sender import Sender
from fakes.management_api import ManagementApi
from heatmap.deliveries import Delivery
from heatmap.errors import Misconfigured

ENDPOINT = Endpoint.at("https://a1.execute-api.us-east-1.amazonaws.com/live")
PATIENCE_S = 20.0


class Rotating(Credentials):
    """Credentials that are others each time they are asked for."""

    def __init__(self) -> None:
        super().__init__("AKID", "secret", "token-0")
        self._turn = 0

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        self._turn += 1
        return ReadOnlyCredentials("AKID", "secret", f"token-{self._turn}", None)


@pytest.fixture
def api() -> ManagementApi:
    return ManagementApi()


@pytest.fixture
def fan_out(api: ManagementApi) -> Iterator[FanOut]:
    fan_out = FanOut(ENDPOINT, "us-east-1", Rotating(), Sender(api.open))
    yield fan_out
    fan_out.close()


def test_a_delivery_goes_to_each_of_its_connections(api: ManagementApi, fan_out: FanOut):
    report = fan_out.send([Delivery(["a=", "b="], ["one", "two"]), Delivery(["c="], ["one"])], PATIENCE_S)

    assert {"a=": Outcome.SENT, "b=": Outcome.SENT, "c=": Outcome.SENT} == report.outcomes
    assert [["one", "two"], ["one", "two"], ["one"]] == [api.messages(each) for each in ("a=", "b=", "c=")]


def test_a_connection_in_several_deliveries_gets_all_of_them_in_order(api: ManagementApi, fan_out: FanOut):
    deliveries = [Delivery(["a", "b"], ["1", "2"]), Delivery(["b"], ["3"]), Delivery(["a", "b"], ["4"])]

    fan_out.send(deliveries, PATIENCE_S)

    assert (["1", "2", "4"], ["1", "2", "3", "4"]) == (api.messages("a"), api.messages("b"))


def test_deliveries_without_messages_or_connections_are_nothing(api: ManagementApi, fan_out: FanOut):
    report = fan_out.send([Delivery(["a"], []), Delivery([], ["frame"])], PATIENCE_S)

    assert ({}, []) == (report.outcomes, api.posts)


def test_messages_are_utf_8(api: ManagementApi, fan_out: FanOut):
    fan_out.send([Delivery(["a"], ['{"city":"Łódź"}'])], PATIENCE_S)

    assert ['{"city":"Łódź"}'] == api.messages("a")


def test_each_invocation_signs_with_the_credentials_of_its_time(api: ManagementApi, fan_out: FanOut):
    for _ in range(2):
        fan_out.send([Delivery(["a"], ["frame"])], PATIENCE_S)

    assert ["token-1", "token-2"] == [
        post.head.partition("X-Amz-Security-Token: ")[2].partition("\r\n")[0] for post in api.posts
    ]


def test_connections_are_closed_and_said_to_be(api: ManagementApi, fan_out: FanOut):
    api.answers["open"].append(204)
    api.answers["gone"].append(410)
    api.answers["busy"].append(429)

    report = fan_out.end(["open", "gone", "busy"], PATIENCE_S)

    assert {"open": Outcome.SENT, "gone": Outcome.GONE, "busy": Outcome.THROTTLED} == report.outcomes
    assert {f"DELETE /live/@connections/{name} HTTP/1.1" for name in ("open", "gone", "busy")} == {
        post.head.partition("\r\n")[0] for post in api.posts
    }
    assert {""} == {post.message for post in api.posts}


def test_connections_and_event_loop_stay(api: ManagementApi, fan_out: FanOut):
    for _ in range(3):
        fan_out.send([Delivery(["a"], ["frame"])], PATIENCE_S)

    assert (3, 1) == (len(api.posts), api.opened)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which AWS's libraries find nothing but what a test sets."""
    monkeypatch.setenv("WEBSOCKET_API_ENDPOINT", "wss://a1.execute-api.eu-west-1.amazonaws.com")
    monkeypatch.setenv("WEBSOCKET_STAGE", "live")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    return monkeypatch


@pytest.mark.parametrize("missing", [["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], ["AWS_DEFAULT_REGION"]])
def test_without_credentials_or_region_it_says_so(environment: pytest.MonkeyPatch, missing: list[str]):
    for name in missing:
        environment.delenv(name)

    with pytest.raises(Misconfigured, match="AWS credentials and region"):
        FanOut.from_env()


def test_with_a_functions_environment_there_is_one(environment: pytest.MonkeyPatch):
    FanOut.from_env().close()
