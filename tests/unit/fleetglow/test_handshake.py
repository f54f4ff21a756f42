"""What a viewer is told of a connection that does not come about."""

import errno
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from fleetglow.handshake import trouble_of
from fleetglow.outstanding import Unanswered

HERE = ConnectionKey("127.0.0.1", 4510, False, True, None, None, None)
URL_WITH_TOKEN = URL("ws://127.0.0.1:4510/live?token=secret")


def answered(status: int) -> aiohttp.WSServerHandshakeError:
    request = aiohttp.RequestInfo(URL_WITH_TOKEN, "GET", None, URL_WITH_TOKEN)  # type: ignore[arg-type]
    return aiohttp.WSServerHandshakeError(request, (), status=status, message="secret")


def not_connected(error: OSError, kind: type[aiohttp.ClientConnectorError] = aiohttp.ClientConnectorError) -> Exception:
    return kind(HERE, error)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            not_connected(OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 4510)")),
            "127.0.0.1:4510: Connection refused",
        ),
        (
            not_connected(
                socket.gaierror(socket.EAI_NONAME, "Name or service not known"), aiohttp.ClientConnectorDNSError
            ),
            "127.0.0.1:4510: Name or service not known",
        ),
        (
            not_connected(
                ssl.SSLCertVerificationError(1, "self-signed certificate"), aiohttp.ClientConnectorCertificateError
            ),
            "127.0.0.1:4510: self-signed certificate",
        ),
        (answered(503), "the server answered 503"),
        (aiohttp.ServerDisconnectedError(), "the connection broke"),
        (aiohttp.InvalidURL(URL_WITH_TOKEN), "the connection broke"),
        (TimeoutError(), "no answer in time"),
        (aiohttp.ServerTimeoutError("secret"), "no answer in time"),
        (ConnectionResetError(errno.ECONNRESET, ""), "Connection reset by peer"),
        (ConnectionError("no stack is deployed"), "no stack is deployed"),
        (BrokenPipeError(), "BrokenPipeError"),
        (ExceptionGroup("two tasks", [Unanswered("it is silent"), OSError()]), "it is silent"),
    ],
)
def test_it_is_a_line_without_the_token(error: Exception, told: str):
    assert told == trouble_of(error)
