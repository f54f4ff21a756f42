"""$connect and $disconnect."""

from typing import Any

import rooms

from broadcast import broadcast


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    context = event["requestContext"]
    connection_id, user = context["connectionId"], context["authorizer"]["user"]
    if context["eventType"] == "CONNECT":
        room = (event.get("queryStringParameters") or {}).get("room", "lobby")
        if room == "full":
            return {"statusCode": 409}
        broadcast(room, {"joined": user})
        rooms.enter(room, connection_id, user)
        return {"statusCode": 200}
    room = rooms.room_of(connection_id)
    rooms.leave(connection_id)
    if room is not None:
        broadcast(room, {"left": user, "code": context["disconnectStatusCode"]})
    return {"statusCode": 200}
