"""How each part of a running stack is: "ok", or what is wrong in one line."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from fleetglow import aws, local_stack
from fleetglow.deploy import failed_update
from fleetglow.deployment import VIEWER_SCOPE, Deployment
from fleetglow.failure_queue import ADVICE
from fleetglow.wording import counted

OK = "ok"
TIMEOUT_S = 10


def reason_not_answering(deployment: Deployment) -> str | None:
    """Why a client could not use the stack yet; None if it could."""
    status, body = _get(f"{deployment.rest_url}/health")
    if status != 200:
        return f"REST: {unwell(status, body)}"
    state = websocket(deployment)
    return None if state == OK else f"WebSocket: {state}"


def parts(deployment: Deployment) -> dict[str, str]:
    """Every part's state."""
    probes: dict[str, Callable[[Deployment], str]] = {
        "stack": stack,
        "rest": rest,
        "websocket": websocket,
        "cache": cache,
        "stream": stream,
        "failures": failures,
        "functions": functions,
        "web": web,
    }
    answers = local_stack.healthy(deployment.endpoint_url)
    states = {"localstack": OK if answers else f"nothing answers at {deployment.endpoint_url}"}
    return states | {name: probe(deployment) for name, probe in probes.items()}


def stack(deployment: Deployment) -> str:
    """Whether it is what was last deployed."""
    cloudformation = boto3.client("cloudformation", **aws.local(deployment.endpoint_url))
    try:
        reason = failed_update(cloudformation)
    except (ClientError, BotoCoreError) as error:
        return str(error)
    return OK if reason is None else f"the last update failed: {reason}; `fleetglow up` updates it"


def rest(deployment: Deployment) -> str:
    """GET /health, which itself asks the stream, the failure queue and the live state."""
    return unwell(*_get(f"{deployment.rest_url}/health"))


def websocket(deployment: Deployment) -> str:
    """A handshake with a viewer's token, which takes the gateway, the authorizer and the connections.

    Where no token can be made here, that the authorizer refuses what is none has to do.
    """
    import asyncio  # noqa: PLC0415 - with aiohttp a third of a second, which `token` and `logs` can do without

    import aiohttp  # noqa: PLC0415

    async def connect() -> None:
        token = deployment.token(VIEWER_SCOPE, "status", 60) if deployment.jwks_url is None else "none"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            connection = await session.ws_connect(
                deployment.websocket_url, headers={"Authorization": f"Bearer {token}"}
            )
            await connection.close()

    try:
        asyncio.run(connect())
    except aiohttp.WSServerHandshakeError as error:
        if deployment.jwks_url is not None and error.status in {401, 403}:
            return OK
        return f"the handshake was answered with {error.status} {error.message}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"{deployment.websocket_url}: {error or 'no answer in time'}"
    return OK


def cache(deployment: Deployment) -> str:
    url = urlsplit(deployment.redis_url)
    try:
        with socket.create_connection((url.hostname, url.port), timeout=TIMEOUT_S) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError as error:
        return f"{url.netloc}: {error}"
    return OK if answer == b"+PONG\r\n" else f"expected PONG, got {answer!r}"


def stream(deployment: Deployment) -> str:
    kinesis = boto3.client("kinesis", **aws.local(deployment.endpoint_url))
    try:
        summary = kinesis.describe_stream_summary(StreamName=deployment.outputs["PingStreamName"])
    except (ClientError, BotoCoreError) as error:
        return str(error)
    status = summary["StreamDescriptionSummary"]["StreamStatus"]
    return OK if status == "ACTIVE" else status


def failures(deployment: Deployment) -> str:
    """Whether the failure queue is empty; messages that somebody looks at just now are in it, too."""
    sqs = boto3.client("sqs", **aws.local(deployment.endpoint_url))
    try:
        attributes = sqs.get_queue_attributes(
            QueueUrl=deployment.outputs["FailureQueueUrl"],
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
    except (ClientError, BotoCoreError) as error:
        return str(error)
    return waiting(sum(map(int, attributes.values())))


def waiting(messages: int) -> str:
    """What so many messages in the failure queue mean."""
    if not messages:
        return OK
    return f"{counted(messages, 'message')} {'waits' if messages == 1 else 'wait'} in the failure queue: {ADVICE}"


def functions(deployment: Deployment) -> str:
    """Whether all functions are there and active."""
    lambdas = boto3.client("lambda", **aws.local(deployment.endpoint_url))
    unwell = []
    for name, function in deployment.functions.items():
        try:
            state = lambdas.get_function_configuration(FunctionName=function).get("State", "Active")
        except (ClientError, BotoCoreError) as error:
            state = str(error)  # type: ignore[assignment]
        if state != "Active":
            unwell.append(f"{name}: {state}")
    return "; ".join(unwell) or OK


def web(deployment: Deployment) -> str:
    status, _ = _get(deployment.web_url)
    return OK if status == 200 else f"{deployment.web_url.partition('#')[0]}: {status}"


def unwell(status: int | str, body: str) -> str:
    """What an answer of GET /health says is degraded or unavailable, or else OK.

    What waits in the failure queue is not said: the part `failures` says it.
    """
    try:
        health = json.loads(body)
        is_answer = health["status"] in {"ok", "degraded"}
        bad = {part: state for part, state in health.items() if "reason" in state}
        if bad.get("failures", {}).get("status") == "degraded":
            del bad["failures"]
        reasons = "; ".join(f"{part}: {state['reason']}" for part, state in bad.items())
    except (ValueError, AttributeError, TypeError, KeyError):
        is_answer, reasons = False, ""
    return reasons or (OK if status == 200 and is_answer else f"GET /health: {status} {body[:200]}")


def _get(url: str) -> tuple[int | str, str]:
    """Status and body of a GET; the status is a reason in words if there was no answer."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - our own URLs
            return response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return f"no answer: {error}", ""


def report(deployment: Deployment) -> dict[str, Any]:
    """What `status --json` prints; it is ready when it can be used, whatever waits in the failure queue."""
    states = parts(deployment)
    return {
        "ready": all(state == OK for part, state in states.items() if part != "failures"),
        "rest_url": deployment.rest_url,
        "websocket_url": deployment.websocket_url,
        "web_url": deployment.web_url,
        "redis_url": deployment.redis_url,
        "parts": states,
    }


def absent(reason: str) -> dict[str, Any]:
    """What `status --json` prints when nothing runs."""
    urls = dict.fromkeys(("rest_url", "websocket_url", "web_url", "redis_url"))
    return {"ready": False, **urls, "parts": {"localstack": reason}}
