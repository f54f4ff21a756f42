"""Who is asking? The REQUEST authorizer of the REST and the WebSocket API."""

from typing import Any

from adapters import settings
from adapters.observability import REQUEST_ID, Metric, count, logger, metrics
from adapters.tokens import Tokens
from adapters.websocket import SUBPROTOCOL, offered_subprotocols
from heatmap.access import Principal, context
from heatmap.errors import Expired, NotAllowed, Unavailable


def tokens() -> Tokens:
    """Anew each time: the secret and the keys themselves are cached, for as long as it may take to notice new ones."""
    return Tokens.from_env()


class UnauthorizedError(Exception):
    """API Gateway answers 401 when an authorizer fails with exactly this word."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def token(event: dict[str, Any]) -> str:
    """The token of a request, "" for none: its bearer, or on the WebSocket also a subprotocol or the query."""
    if bearer := _bearer(event):
        return bearer
    if "connectionId" not in event["requestContext"]:
        # Answers to REST calls are cached by this header alone: what came another way would be everybody's who sends
        # the same header.
        return ""
    first, *others = offered_subprotocols(event)
    if first == SUBPROTOCOL and others:
        return others[0]
    return str((event.get("queryStringParameters") or {}).get("token") or "")


def _bearer(event: dict[str, Any]) -> str:
    headers = {name.lower(): values for name, values in (event.get("multiValueHeaders") or {}).items()}
    values = headers.get("authorization") or []
    # Of two it is not said which one the answer is cached by.
    scheme, _, bearer = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return str(bearer.strip()) if scheme.lower() == "bearer" else ""


def allowed(principal: Principal, method_arn: str) -> dict[str, Any]:
    """Leave to call the API; what a scope allows is decided where the request is served, which can say why not."""
    answer = _answer("Allow", principal.subject, method_arn, context(principal))
    # An API key in name only: it says which usage plan the call counts for, and opens nothing.
    return answer | {"usageIdentifierKey": settings.usage_keys() + principal.plan}


def expired(error: Expired, method_arn: str) -> dict[str, Any]:
    """No leave to call the API, and why: the gateway response ACCESS_DENIED in the template makes a 401 of it."""
    return _answer("Deny", "nobody", method_arn, {"code": error.code, "message": str(error)})


def _answer(effect: str, principal_id: str, method_arn: str, context: dict[str, str]) -> dict[str, Any]:
    # arn:aws:execute-api:region:account:api/stage/method/path: the policy is cached per token, so it spans the stage.
    api, stage, *_ = method_arn.split("/")
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{api}/{stage}/*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": principal_id, "policyDocument": document, "context": context}


@logger.inject_lambda_context(correlation_id_path=REQUEST_ID)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    try:
        principal = tokens().verify(token(event))
    except NotAllowed as error:
        # A handshake has nothing but its status to tell, and of a Deny that would be 403. Whoever forges a token hears
        # nothing: it has to be ours to have expired.
        if isinstance(error, Expired) and "connectionId" not in event["requestContext"]:
            logger.info("expired")
            count(Metric.TOKENS_EXPIRED)
            return expired(error, event["methodArn"])
        logger.info("refused", reason=str(error))
        count(Metric.TOKENS_REFUSED)
        # With its cause the runtime would log a traceback for each.
        raise UnauthorizedError from None
    except Unavailable as error:
        # API Gateway answers 500: a client that comes back later is let in with the token that it has.
        logger.error("unavailable", reason=str(error))
        count(Metric.UNAVAILABLE)
        raise
    return allowed(principal, event["methodArn"])
