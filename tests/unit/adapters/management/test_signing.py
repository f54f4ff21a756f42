"""Requests and signatures against botocore's, which AWS takes."""

import calendar
import time
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.management.endpoint import Endpoint
from adapters.management.signing import Credentials, Requests

AWS = "https://abc123.execute-api.eu-west-1.amazonaws.com/live"
LOCAL = "http://127.0.0.1:4510/abc123/live"
CREDENTIALS = Credentials("AKID", "secret", None)
TOKEN = "IQoJb3JpZ2luX2VjEGcaCXVzLWVhc3QtMSJHMEUCIQ+/=" * 20
IDS = [
    "L0SM9cOFvHcCIhw=",
    "R0oXAdfD0kwCH6w=",
    "dGhpcyBpcyBhIHRlc3Q",
    "a/b+c=d==",
    "with space",
    "tilde~dash-dot.under_",
    "100%",
    "%3D",
    "a@b:c;d,e&f?g#h",
    "Łódź/東京",
    "...",
    "line\r\nX-Injected: yes",
]


def taken_apart(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """The target, the headers and the body of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode("ascii").split("\r\n")
    method, target, version = line.split(" ")
    assert method in {"POST", "DELETE"}
    assert "HTTP/1.1" == version
    return target, dict(header.split(": ", 1) for header in lines), body


def signed_by_botocore(
    url: str, region: str, token: str | None, message: str, method: str = "POST"
) -> tuple[float, dict[str, str]]:
    """The moment at which botocore signed a request for a URL, and the headers that it made."""
    request = AWSRequest(method, url, data=message.encode())
    SigV4Auth(BotocoreCredentials("AKID", "secret", token), "execute-api", region).add_auth(request)
    moment = calendar.timegm(time.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
    return moment, dict(request.headers.items())


def check_against_botocore(base: str, region: str, token: str | None, connection_id: str, message: str) -> None:
    now = time.time()
    requests = Requests(Endpoint.at(base), region, Credentials("AKID", "secret", token), now)
    target, headers, body = taken_apart(requests.post(connection_id, message))
    origin = base.partition("://")[0] + "://" + headers["Host"]
    moment, expected = signed_by_botocore(origin + target, region, token, message)
    if moment != int(now):
        # The second has passed between the two.
        requests = Requests(Endpoint.at(base), region, Credentials("AKID", "secret", token), moment)
        _, headers, body = taken_apart(requests.post(connection_id, message))

    assert expected.items() <= headers.items()
    assert (str(len(message.encode())), message.encode()) == (headers["Content-Length"], body)


@pytest.mark.parametrize("token", [None, TOKEN], ids=["a user", "a session"])
@pytest.mark.parametrize("base", [AWS, LOCAL, "https://ws.example.com/base%20path", "https://ws.example.com"])
@pytest.mark.parametrize("connection_id", IDS)
def test_signatures_are_those_that_botocore_makes(base: str, connection_id: str, token: str | None):
    check_against_botocore(base, "eu-west-1", token, connection_id, '{"type":"delta"}')


@pytest.mark.parametrize("base", [AWS, LOCAL, "https://ws.example.com/base%20path"])
@pytest.mark.parametrize("connection_id", IDS)
def test_signatures_that_end_a_connection_are_those_that_botocore_makes(base: str, connection_id: str):
    def made(moment: float) -> tuple[str, dict[str, str], bytes]:
        return taken_apart(Requests(Endpoint.at(base), "us-east-1", CREDENTIALS, moment).delete(connection_id))

    target, headers, body = made(0)
    origin = base.partition("://")[0] + "://" + headers["Host"]
    moment, expected = signed_by_botocore(origin + target, "us-east-1", None, "", "DELETE")

    assert expected.items() <= made(moment)[1].items()
    assert ("0", b"") == (headers["Content-Length"], body)


@settings(deadline=None)
@given(
    # As a segment of a path, one or two dots are no name but a way.
    connection_id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda id_: id_.strip(".")),
    message=st.text(st.characters(codec="utf-8"), max_size=200),
    token=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80),
)
def test_whatever_the_id_the_body_and_the_token_are(connection_id: str, message: str, token: str | None):
    check_against_botocore(AWS, "us-east-1", token, connection_id, message)


class Captured(AWSResponse):
    """An answer that never came from anywhere."""

    def __init__(self) -> None:
        super().__init__("", 200, {}, None)

    @property
    def content(self) -> bytes:
        return b""


@pytest.mark.parametrize("connection_id", IDS)
@pytest.mark.parametrize("base", [AWS, LOCAL])
def test_the_url_is_the_one_that_boto3_posts_to(base: str, connection_id: str):
    client = boto3.client("apigatewaymanagementapi", endpoint_url=base)
    urls: list[str] = []

    def capture(request: Any, **_: Any) -> Captured:
        urls.append(request.url)
        return Captured()

    client.meta.events.register("before-send.*", capture)
    client.post_to_connection(ConnectionId=connection_id, Data=b"frame")
    requests = Requests(Endpoint.at(base), "us-east-1", Credentials("AKID", "secret", None), 0)
    target, headers, _ = taken_apart(requests.post(connection_id, "frame"))

    assert urls == [f"{base.partition('://')[0]}://{headers['Host']}{target}"]


def test_a_day_a_region_and_a_secret_have_keys_of_their_own():
    def signature(now: float, region: str, key: str) -> str:
        requests = Requests(Endpoint.at(AWS), region, Credentials("AKID", key, None), now)
        return taken_apart(requests.post("id", "frame"))[1]["Authorization"].rpartition("=")[2]

    others = [(86_400, "us-east-1", "one"), (0, "eu-west-1", "one"), (0, "us-east-1", "two"), (1, "us-east-1", "one")]

    assert 5 == len({signature(0, "us-east-1", "one"), *(signature(*other) for other in others)})
    assert signature(0, "us-east-1", "one") == signature(0, "us-east-1", "one")


def test_no_id_can_add_a_header():
    requests = Requests(Endpoint.at(AWS), "us-east-1", Credentials("AKID", "secret", None), 0)

    target, headers, _ = taken_apart(requests.post("x HTTP/1.1\r\nX-Injected: yes\r\n\r\n", "frame"))

    assert "X-Injected" not in headers
    assert "/live/@connections/x%20HTTP%2F1.1%0D%0AX-Injected%3A%20yes%0D%0A%0D%0A" == target
