"""The fan-out against a server on this machine: what arrives, in which order, and what trouble costs."""

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from adapters.fan_out import FanOut
from adapters.management.connecting import Connector
from adapters.management.endpoint import Endpoint
from adapters.management.http_connection import HttpConnection
from adapters.management.lane import Lane
from adapters.management.outcome import Outcome
from adapters.management.sender import LANES, Sender
from fakes.certificates import CertificateAuthority
from fakes.management_api import ManagementApi, Post, Trouble
from fakes.management_server import ManagementServer
from heatmap.deliveries import Delivery

PATIENCE_S = 60.0
# Long enough for a busy machine.
POST_S = 5.0
CREDENTIALS = Credentials("AKID", "secret", "session-token")

type FanOutTo = Callable[..., FanOut]


@pytest.fixture
def fan_out_to() -> Iterator[FanOutTo]:
    """Makes fan-outs to servers, and closes them."""
    with ExitStack() as made:

        def make(url: str, tls: ssl.SSLContext | None = None, post_s: float = POST_S) -> FanOut:
            endpoint = Endpoint.at(url)
            sender = Sender(Connector(endpoint, tls).open, post_s=post_s)
            fan_out = FanOut(endpoint, "eu-west-1", CREDENTIALS, sender)
            made.callback(fan_out.close)
            return fan_out

        yield make


@pytest.fixture
def server() -> Iterator[ManagementServer]:
    with ManagementServer() as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


def viewers(number: int) -> list[str]:
    """Ids as API Gateway gives them."""
    dice = random.Random(number)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
    return ["".join(dice.choices(letters, k=15)) + "=" for _ in range(number)]


def is_signed(server: ManagementServer, post: Post) -> bool:
    """Whether AWS would take a post as one of ours: it signs what has arrived, and compares."""
    line, *lines = post.head.split("\r\n")
    headers = dict(header.split(": ", 1) for header in lines)
    request = AWSRequest("POST", server.url.removesuffix("/live") + line.split(" ")[1], data=post.message.encode())
    request.context["timestamp"] = headers["X-Amz-Date"]
    auth = SigV4Auth(CREDENTIALS, "execute-api", "eu-west-1")
    request.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    request.headers["X-Amz-Security-Token"] = headers["X-Amz-Security-Token"]
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return headers["Authorization"].endswith(f"Signature={signature}")


def test_five_thousand_posts_arrive_once_and_in_order(server: ManagementServer, fan_out_to: FanOutTo):
    ids = viewers(2_500)
    deliveries = [Delivery(ids[start : start + 5], [f'{{"n":{start}}}', '{"ü":2}']) for start in range(0, 2_500, 5)]

    report = fan_out_to(server.url).send(deliveries, PATIENCE_S)

    assert {Outcome.SENT: 2_500} == report.counts()
    assert 5_000 == len(server.api.posts) == len(report.durations_s)
    arrived: dict[str, list[str]] = {}
    for post in server.api.posts:
        arrived.setdefault(post.connection_id, []).append(post.message)
    assert {each: delivery.messages for delivery in deliveries for each in delivery.connections} == arrived
    assert (LANES, []) == (server.api.opened, server.api.overtaken)


def test_every_post_is_signed_as_aws_checks_it(server: ManagementServer, fan_out_to: FanOutTo):
    fan_out_to(server.url).send([Delivery([*viewers(20), "a b", "%", "Łódź"], ['{"ü":1}', "{}"])], PATIENCE_S)

    assert 46 == len(server.api.posts)
    assert all(is_signed(server, post) for post in server.api.posts)


def test_what_is_said_to_one_viewer_in_several_jobs_stays_in_order(server: ManagementServer, fan_out_to: FanOutTo):
    server.api.delay_s = 0.001
    ids = viewers(100)

    fan_out_to(server.url).send([Delivery(ids, [f"{tick}.1", f"{tick}.2"]) for tick in range(3)], PATIENCE_S)

    assert [["0.1", "0.2", "1.1", "1.2", "2.1", "2.2"]] * 100 == [server.api.messages(each) for each in ids]
    assert [] == server.api.overtaken


def test_connections_stay_from_one_invocation_to_the_next(server: ManagementServer, fan_out_to: FanOutTo):
    fan_out = fan_out_to(server.url)
    for _ in range(5):
        fan_out.send([Delivery(viewers(200), ["frame"])], PATIENCE_S)

    assert (1_000, LANES) == (len(server.api.posts), server.api.opened)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_connections_that_were_closed_while_we_were_frozen_are_noticed(
    fan_out_to: FanOutTo, authority: CertificateAuthority, tls: bool
):
    with ManagementServer(authority.serving("localhost") if tls else None) as server:
        fan_out = fan_out_to(server.url, authority.trusting())
        fan_out.send([Delivery(viewers(200), ["frame"])], PATIENCE_S)
        server.hang_up()

        report = fan_out.send([Delivery(viewers(200), ["frame"])], PATIENCE_S)

    assert {Outcome.SENT: 200} == report.counts()
    assert (400, 2 * LANES) == (len(server.api.posts), server.api.opened)


def test_a_server_that_hangs_up_after_every_seventh_post_loses_nothing(server: ManagementServer, fan_out_to: FanOutTo):
    server.api.posts_per_connection = 7

    report = fan_out_to(server.url).send([Delivery(viewers(1_000), ["one", "two"])], PATIENCE_S)

    assert {Outcome.SENT: 1_000} == report.counts()
    assert [["one", "two"]] * 1_000 == [server.api.messages(each) for each in viewers(1_000)]


def test_clients_who_do_not_answer_delay_nobody(server: ManagementServer, fan_out_to: FanOutTo):
    ids = viewers(2_000)
    silent = ids[: LANES // 2]
    for each in silent:
        server.api.answers[each].append(Trouble.HANG)
    began = time.monotonic()

    report = fan_out_to(server.url).send([Delivery(ids, ["frame"])], PATIENCE_S)

    assert {Outcome.TIMED_OUT: len(silent), Outcome.SENT: 2_000 - len(silent)} == report.counts()
    assert POST_S <= time.monotonic() - began < 2 * POST_S
    # All others had been served long before the first of these was given up.
    assert max(report.durations_s) < POST_S


def test_every_trouble_at_once_stays_with_whom_it_concerns(server: ManagementServer, fan_out_to: FanOutTo):
    ids = viewers(500)
    troubles = [410, 429, 403, 500, Trouble.HANG, Trouble.HANG_UP, b"HTTP/1.1 200 OK\r\nContent-", b"\x16\x03\x01"]
    for each, trouble in zip(ids[::60], troubles, strict=False):
        server.api.answers[each].append(trouble)

    report = fan_out_to(server.url, post_s=2).send([Delivery(ids, ["one", "two"])], PATIENCE_S)

    assert {
        Outcome.SENT: 493,
        Outcome.GONE: 1,
        Outcome.THROTTLED: 1,
        Outcome.FORBIDDEN: 1,
        Outcome.FAILED: 3,
        Outcome.TIMED_OUT: 1,
    } == report.counts()
    assert Outcome.SENT is report.outcomes[ids[300]], "whom the server hung up on gets the post again"


def test_when_nobody_answers_an_invocation_ends_in_time(server: ManagementServer, fan_out_to: FanOutTo):
    for each in viewers(1_000):
        server.api.answers[each].append(Trouble.HANG)
    fan_out = fan_out_to(server.url, post_s=30)
    began = time.monotonic()

    report = fan_out.send([Delivery(viewers(1_000), ["frame"])], patience_s=1)

    assert {Outcome.TIMED_OUT: 1_000} == report.counts()
    assert 1 <= time.monotonic() - began < 5
    assert {Outcome.SENT: 9} == fan_out.send([Delivery(viewers(9), ["frame"])], PATIENCE_S).counts()


def test_where_nobody_listens_everybody_is_dropped_at_once(fan_out_to: FanOutTo):
    with ManagementServer() as server:
        fan_out = fan_out_to(server.url)

    report = fan_out.send([Delivery(viewers(300), ["frame"])], PATIENCE_S)

    assert {Outcome.FAILED: 300} == report.counts()
    assert report.causes[Outcome.FAILED].startswith("ConnectionRefusedError")


def test_a_server_that_comes_back_is_found_again(fan_out_to: FanOutTo):
    with ManagementServer() as server:
        fan_out = fan_out_to(server.url)
        fan_out.send([Delivery(viewers(100), ["frame"])], PATIENCE_S)
    fan_out.send([Delivery(viewers(100), ["frame"])], PATIENCE_S)

    with ManagementServer(port=server.port) as again:
        report = fan_out.send([Delivery(viewers(100), ["frame"])], PATIENCE_S)

    assert ({Outcome.SENT: 100}, 100) == (report.counts(), len(again.api.posts))


def test_where_no_name_leads_nobody_is_reached(fan_out_to: FanOutTo):
    report = fan_out_to("http://no-such-host.invalid/live", post_s=2).send(
        [Delivery(viewers(LANES), ["frame"])], PATIENCE_S
    )

    # Some machines are told at once that there is no such name, others wait for an answer.
    assert report.counts() in ({Outcome.FAILED: LANES}, {Outcome.TIMED_OUT: LANES})


def test_posts_go_out_over_tls(fan_out_to: FanOutTo, authority: CertificateAuthority):
    message = '{"tiles":"' + "x" * 30_000 + '"}'
    with ManagementServer(authority.serving("localhost")) as server:
        report = fan_out_to(server.url, authority.trusting()).send(
            [Delivery(viewers(300), [message, "{}"])], PATIENCE_S
        )

    assert {Outcome.SENT: 300} == report.counts()
    assert [[message, "{}"]] * 300 == [server.api.messages(each) for each in viewers(300)]


def test_a_certificate_for_another_name_is_refused(fan_out_to: FanOutTo, authority: CertificateAuthority):
    with ManagementServer(authority.serving("elsewhere.example")) as server:
        report = fan_out_to(server.url, authority.trusting()).send([Delivery(viewers(3), ["frame"])], PATIENCE_S)

    assert ({Outcome.FAILED: 3}, []) == (report.counts(), server.api.posts)
    assert "Hostname mismatch" in report.causes[Outcome.FAILED]


def test_a_certificate_that_nobody_trusts_is_refused(
    fan_out_to: FanOutTo, authority: CertificateAuthority, tmp_path: Path
):
    with ManagementServer(CertificateAuthority(tmp_path).serving("localhost")) as server:
        report = fan_out_to(server.url, authority.trusting()).send([Delivery(viewers(3), ["frame"])], PATIENCE_S)

    assert ({Outcome.FAILED: 3}, []) == (report.counts(), server.api.posts)
    assert "CERTIFICATE_VERIFY_FAILED" in report.causes[Outcome.FAILED]


def test_by_default_only_the_systems_authorities_are_trusted(fan_out_to: FanOutTo, authority: CertificateAuthority):
    with ManagementServer(authority.serving("localhost")) as server:
        report = fan_out_to(server.url).send([Delivery(viewers(3), ["frame"])], PATIENCE_S)

    assert ({Outcome.FAILED: 3}, []) == (report.counts(), server.api.posts)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_a_connection_that_is_given_up_while_it_opens_is_closed(authority: CertificateAuthority, tls: bool):
    context = authority.serving("localhost") if tls else None
    serving = await asyncio.get_running_loop().create_server(ManagementApi().peer, "127.0.0.1", 0, ssl=context)
    port = serving.sockets[0].getsockname()[1]
    connector = Connector(Endpoint.at(f"{'https' if tls else 'http'}://localhost:{port}/live"), authority.trusting())
    before = open_files()

    # Each time it comes a step further, and at last to the end.
    connection: HttpConnection | None = None
    given_up = -1
    while connection is None:
        given_up += 1
        opening = asyncio.create_task(connector.open(Lane(connector.open)))
        for _ in range(given_up):
            await asyncio.sleep(0)
        opening.cancel()
        with suppress(asyncio.CancelledError):
            connection = await opening

    assert given_up > 3
    connection.close()
    async with asyncio.timeout(10):
        while open_files() > before:  # noqa: ASYNC110 - it is the event loop that closes them
            await asyncio.sleep(0.01)
    serving.close()
