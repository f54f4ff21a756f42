"""The @connections API: messages to viewers."""

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

import boto3

from adapters import settings
from adapters.management.connecting import Connector
from adapters.management.endpoint import Endpoint
from adapters.management.sender import Report, Sender
from adapters.management.signing import Credentials, Requests
from heatmap.deliveries import Delivery
from heatmap.errors import Literal, Misconfigured

if TYPE_CHECKING:
    from botocore.credentials import Credentials as CredentialSource


class FanOut:
    """Posts messages to connections, each connection's in order, the connections side by side.

    Frames are replaceable: what cannot be posted is dropped, and the viewer notices at its next frame.
    Connections to the API and the event loop that serves them stay from one invocation to the next.
    """

    def __init__(self, endpoint: Endpoint, region: str, credentials: "CredentialSource", sender: Sender) -> None:
        self._endpoint = endpoint
        self._region = region
        self._credentials = credentials
        self._sender = sender
        self._runner = asyncio.Runner()

    @classmethod
    def from_env(cls) -> Self:
        """For the API of the environment, with the credentials and the region that any AWS client would take.

        Raises:
            Misconfigured: there are none, or there is no such API.
        """
        session = boto3.Session()
        credentials = session.get_credentials()
        if credentials is None or session.region_name is None:
            raise Misconfigured("AWS credentials and region", "both in the function's environment", Literal("none"))
        endpoint = Endpoint.at(settings.management_url())
        return cls(endpoint, session.region_name, credentials, Sender(Connector(endpoint).open))

    def send(self, deliveries: Iterable[Delivery], patience_s: float) -> Report:
        """Post each delivery's messages to its connections; say what became of each connection.

        Args:
            patience_s: who has not been reached after so many seconds is dropped.
        """
        return self._runner.run(self._sender.send(_posts(deliveries), self._requests().post, patience_s))

    def end(self, connections: Iterable[str], patience_s: float) -> Report:
        """Close connections, for their viewers with code 1000; say what became of each, as `send` does."""
        delete = self._requests().delete
        posts = {connection: [""] for connection in connections}
        return self._runner.run(self._sender.send(posts, lambda connection, _: delete(connection), patience_s))

    def close(self) -> None:
        """Close all connections and the event loop."""
        self._runner.run(self._sender.close())
        self._runner.close()

    def _requests(self) -> Requests:
        # Credentials rotate: these are those of now.
        key = self._credentials.get_frozen_credentials()
        credentials = Credentials(key.access_key or "", key.secret_key or "", key.token)
        return Requests(self._endpoint, self._region, credentials, time.time())


def _posts(deliveries: Iterable[Delivery]) -> dict[str, list[str]]:
    """What each connection is to get, in order."""
    posts: dict[str, list[str]] = {}
    for delivery in deliveries:
        for connection in delivery.connections if delivery.messages else ():
            known = posts.get(connection)
            posts[connection] = known + delivery.messages if known else delivery.messages
    return posts
