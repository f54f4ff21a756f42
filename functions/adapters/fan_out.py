"""The @connections API: messages to viewers."""

from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from adapters import settings
from adapters.observability import logger
from heatmap.deliveries import Delivery

if TYPE_CHECKING:
    from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

CONCURRENT_POSTS = 32


class Outcome(Enum):
    """What became of a viewer's messages."""

    SENT = "sent"
    GONE = "gone"
    DROPPED = "dropped"


class FanOut:
    """Posts messages to connections, each connection's in order, the connections side by side.

    Frames are replaceable: what cannot be posted is dropped, and the viewer notices at its next frame.
    """

    def __init__(self, client: "ApiGatewayManagementApiClient") -> None:
        self._client = client

    @classmethod
    def from_env(cls) -> Self:
        config = Config(
            connect_timeout=2,
            read_timeout=5,
            max_pool_connections=CONCURRENT_POSTS,
            retries={"mode": "standard", "max_attempts": 1},
        )
        return cls(boto3.client("apigatewaymanagementapi", endpoint_url=settings.management_url(), config=config))

    def send(self, deliveries: list[Delivery]) -> dict[str, Outcome]:
        """Post each delivery's messages to its connections; say what became of each connection."""
        posts: dict[str, list[str]] = {}
        for delivery in deliveries:
            for connection in delivery.connections:
                posts.setdefault(connection, []).extend(delivery.messages)
        with ThreadPoolExecutor(min(CONCURRENT_POSTS, len(posts)) or 1) as pool:
            return dict(zip(posts, pool.map(self._send, posts.keys(), posts.values()), strict=True))

    def _send(self, connection_id: str, messages: list[str]) -> Outcome:
        try:
            for message in messages:
                self._client.post_to_connection(ConnectionId=connection_id, Data=message.encode())
        except self._client.exceptions.GoneException:
            return Outcome.GONE
        except (ClientError, BotoCoreError) as error:
            logger.warning("frame dropped", connection_id=connection_id, reason=str(error))
            return Outcome.DROPPED
        return Outcome.SENT
