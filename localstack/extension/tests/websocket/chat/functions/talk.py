"""What is said in a room."""

import json
from typing import Any

import rooms

from broadcast import broadcast


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    context = event["requestContext"]
    room = rooms.room_of(context["connectionId"])
    match context["routeKey"]:
        case "say":
            broadcast(room, {"from": context["authorizer"]["user"], "text": json.loads(event["body"])["text"]})
            return {"statusCode": 200, "body": "not for the client: this route has no response"}
        case "who":
            return {"statusCode": 200, "body": json.dumps({"here": sorted(user for _, user in rooms.members(room))})}
        case _:
            return {"statusCode": 400, "body": json.dumps({"error": f"what is {event['body']}?"})}
