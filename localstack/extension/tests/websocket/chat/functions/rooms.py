"""Who is in which room, an empty object each: rooms/<room>/<connection id>/<user>."""

import os
from collections.abc import Iterator

import boto3

s3 = boto3.client("s3")
BUCKET = os.environ["ROOMS"]


def enter(room: str, connection_id: str, user: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"rooms/{room}/{connection_id}/{user}")
    s3.put_object(Bucket=BUCKET, Key=f"connections/{connection_id}/{room}")


def room_of(connection_id: str) -> str | None:
    for key in _keys(f"connections/{connection_id}/"):
        return key.split("/")[2]
    return None


def members(room: str) -> Iterator[tuple[str, str]]:
    """Connection ids and users."""
    for key in _keys(f"rooms/{room}/"):
        _, _, connection_id, user = key.split("/")
        yield connection_id, user


def leave(connection_id: str) -> None:
    room = room_of(connection_id)
    for key in [*_keys(f"rooms/{room}/{connection_id}/"), *_keys(f"connections/{connection_id}/")]:
        s3.delete_object(Bucket=BUCKET, Key=key)


def _keys(prefix: str) -> Iterator[str]:
    for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []):
        yield item["Key"]
