"""Who is asking? The REQUEST authorizer of the REST and the WebSocket API."""

from typing import Any

from adapters.observability import count, logger, metrics
from adapters.tokens import Tokens
from adapters.websocket import SUBPROTOCOL, offered_subprotocols
from heatmap.access import Principal, context
from heatmap.errors import NotAllowed


def tokens() -> Tokens:
    """Anew each time: the secret itself is cached, for as long as a rotation may take to be noticed."""
    return Tokens.from_env()


class UnauthorizedError(Exception):
    """API Gateway answers 401 when an authorizer fails with exactly this word."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def token(event: dict[str, Any]) -> str:
    """The token of a request: its bearer header, or on the WebSocket the query or the second subprotocol."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(bearer.strip())
    if in_query := (event.get("queryStringParameters") or {}).get("token"):
        return str(in_query)
    first, *others = offered_subprotocols(event)
    return others[0] if first == SUBPROTOCOL and others else ""


def allowed(principal: Principal, method_arn: str) -> dict[str, Any]:
    """Leave to call the API; what a scope allows is decided where the request is served, which can say why not."""
    # arn:aws:execute-api:region:account:api/stage/method/path: the policy is cached per token, so it spans the stage.
    api, stage, *_ = method_arn.split("/")
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{api}/{stage}/*"}
    return {
        "principalId": principal.subject,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context(principal),
    }


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    try:
        principal = tokens().verify(token(event))
    except NotAllowed as error:
        logger.info("refused", reason=str(error))
        count("tokens_refused")
        raise UnauthorizedError from error
    return allowed(principal, event["methodArn"])
