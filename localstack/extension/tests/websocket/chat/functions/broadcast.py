"""A message to everyone in a room."""

import json
import os
from typing import Any

import boto3
import rooms

endpoint = os.environ["ENDPOINT"].replace("wss://", "https://").replace("ws://", "http://")
connections = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)


def broadcast(room: str, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    for connection_id, _ in list(rooms.members(room)):
        try:
            connections.post_to_connection(ConnectionId=connection_id, Data=data)
        except connections.exceptions.GoneException:
            rooms.leave(connection_id)
