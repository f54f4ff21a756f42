"""How a client's connection begins: where its token goes, and which answers are final."""

import os
import re
import ssl

import aiohttp
from yarl import URL

from fleetglow.errors import Refused
from fleetglow.token_expiry import is_expired
from heatmap.access import EXPIRED

# API Gateway sends no message over 128 KB.
MAX_MESSAGE_BYTES = 131_072
# How long the end of a connection may take that is given up anyway.
CLOSE_S = 1.0
# What is offered as a subprotocol, with the token behind it.
SUBPROTOCOL = "fleetglow"
# RFC 9110, section 5.6.2: what a subprotocol may consist of. Every JWT does.
NAME_OF_SUBPROTOCOL = re.compile(r"[\w!#$%&'*+\-.^`|~]+", re.ASCII)
# Of the 4xx, those that pass: a time-out, and too many requests.
PASSING = {408, 429}


async def opened(session: aiohttp.ClientSession, url: URL, token: str) -> aiohttp.ClientWebSocketResponse:
    """A connection to a stage. A URL is kept in logs and is short, so the token is only in it if it fits nowhere else.

    Raises:
        Refused: the server does not take the token, or such a connection at all; its text holds nothing of the token.
        aiohttp.ClientError, TimeoutError, OSError: there is none now; another attempt may succeed.
    """
    fits = NAME_OF_SUBPROTOCOL.fullmatch(token)
    try:
        return await session.ws_connect(
            url if fits else url.update_query(token=token),
            protocols=(SUBPROTOCOL, token) if fits else (),
            max_msg_size=MAX_MESSAGE_BYTES,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
        )
    except aiohttp.WSServerHandshakeError as error:
        if 400 <= error.status < 500 and error.status not in PASSING:
            # The error has the URL in it, where the token may be.
            raise _refusal(error.status, token) from None
        raise


def trouble_of(error: BaseException) -> str:
    """Why there is no connection now, in words that hold nothing of the token, which may be in the URL."""
    if isinstance(error, BaseExceptionGroup):
        return trouble_of(error.exceptions[0])
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the server answered {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {_reason(error.os_error)}"
    if isinstance(error, aiohttp.ClientError):
        return "the connection broke"
    return _reason(error) if isinstance(error, OSError) else str(error)


def _reason(error: OSError) -> str:
    # A positive number is that of the system's error, but of TLS; what asyncio says of it repeats the address.
    if error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


def _refusal(status: int, token: str) -> Refused:
    if status == 401 and is_expired(token):
        return Refused(EXPIRED)
    if status in {401, 403}:
        return Refused(f"token: expected a valid one, the server answered {status}")
    return Refused(f"connection: expected one that the server takes, it answered {status}")
