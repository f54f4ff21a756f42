"""What schemathesis cannot know by the description; it loads this into a process of its own (openapi_fuzz.toml)."""

import json
import os
from datetime import UTC, datetime
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

HOUR_MS = 3_600_000
# When the run began, UTC milliseconds: what is sent follows from this and the seed alone.
BEGAN_AT = int(os.environ["FUZZ_BEGAN_AT"])


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Move most times to the hour before the run, for of those that a schema allows nearly all are far too old."""
    if isinstance(body, dict):
        for ping in body["pings"] if isinstance(body.get("pings"), list) else [body]:
            if isinstance(ping, dict) and _is_a_time(ping.get("sampled_at")):
                _move(ping)
    return body


@schemathesis.check
def every_ping_has_one_fate(ctx: CheckContext, response: Response, case: Case) -> None:
    """Each ping of a request is accepted, or rejected by its place."""
    # It tries other methods as well, of which some are answered with nothing.
    if case.operation.label != "POST /pings" or b'"accepted"' not in response.content:
        return
    answer = response.json()
    document = json.loads(response.request.body or b"")
    sent = len(document["pings"]) if "pings" in document else 1
    rejected = [each["index"] for each in answer["rejected"]]
    assert sent == answer["accepted"] + len(rejected)
    assert sorted(set(rejected)) == rejected
    assert set(range(sent)) >= set(rejected)


def _is_a_time(value: object) -> bool:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return False
    return isinstance(value, int) and not isinstance(value, bool)


def _move(ping: dict[str, Any]) -> None:
    chance = hash(str(ping)) % HOUR_MS
    at = BEGAN_AT - chance
    if chance % 4:
        is_text = isinstance(ping["sampled_at"], str)
        ping["sampled_at"] = datetime.fromtimestamp(at / 1000, UTC).isoformat() if is_text else at
