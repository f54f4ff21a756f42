"""The map page on LocalStack: the built files and the configuration that tells it where its stack is."""

import hashlib
import json
import mimetypes
import os
from pathlib import Path

import boto3

from adapters import settings
from fleetglow import aws
from fleetglow.deployment import Deployment
from fleetglow.errors import BadInput, DeployFailed
from fleetglow.instance import PROJECT_ROOT

DIST = PROJECT_ROOT / "web" / "dist"
CITIES = PROJECT_ROOT / "functions" / "heatmap" / "cities.json"
CONFIG = "config.json"


def publish(deployment: Deployment, dist: Path = DIST) -> int:
    """Upload the page's files that are not there as they are; their number. Raises DeployFailed if it is not built."""
    if not (dist / "index.html").exists():
        raise DeployFailed(f"{dist / 'index.html'} is missing: build the page with `make setup`")
    files = {path.relative_to(dist).as_posix(): path.read_bytes() for path in dist.rglob("*") if path.is_file()}
    files[CONFIG] = configuration(deployment)
    s3 = boto3.client("s3", **aws.local(deployment.endpoint_url))
    bucket = deployment.outputs["WebBucketName"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    present = {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])}
    changed = {key: body for key, body in files.items() if present.get(key) != _etag(body)}
    for key, body in changed.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=_content_type(key), CacheControl=_caching(key))
    return len(changed)


def configuration(deployment: Deployment) -> bytes:
    """What the page needs to know, as JSON. Raises BadInput for tiles that cannot be read."""
    cities = [{key: city[key] for key in ("name", "title", "bbox")} for city in json.loads(CITIES.read_text())]
    config = {
        "websocket_url": deployment.websocket_url,
        "rest_url": deployment.rest_url,
        "cities": cities,
        "precisions": settings.precisions(deployment.outputs["Precisions"]),
        "tiles": _tiles(),
    }
    return json.dumps(config, ensure_ascii=False).encode()


def _tiles() -> object:
    """The sets of map tiles that viewers may choose: what the JSON file that FLEETGLOW_TILES names holds, else none."""
    file = os.environ.get("FLEETGLOW_TILES")
    try:
        return json.loads(Path(file).read_text()) if file else []
    except (OSError, ValueError) as error:
        raise BadInput(f"FLEETGLOW_TILES: expected a JSON file, got {file} ({error})") from error


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _content_type(key: str) -> str:
    # Python's table leaves out .mjs on some systems, and a browser runs no module with another type.
    return "text/javascript" if key.endswith((".js", ".mjs")) else mimetypes.guess_type(key)[0] or "binary/octet-stream"


def _caching(key: str) -> str:
    # The names of the built assets hold a hash of their contents.
    return "public, max-age=31536000, immutable" if key.startswith("assets/") else "no-cache"
