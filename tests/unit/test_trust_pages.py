"""The pages on tokens and on privacy give the times and the sizes that the code and the template have."""

import re
from typing import Any

import pytest

from adapters import jwks, jws, registry, secret
from cloudformation import ROOT, load, resources
from heatmap import claims, privacy
from heatmap.cells import KEPT_PRECISION

AUTH = (ROOT / "docs/auth.md").read_text()
PRIVACY = (ROOT / "docs/privacy.md").read_text()
LUA = ROOT / "functions/adapters/lua"
TEMPLATE = load()
PARAMETERS = TEMPLATE["Parameters"]
API: dict[str, Any] = TEMPLATE["Resources"]["RestApi"]["Properties"]


def default(parameter: str) -> int:
    return int(PARAMETERS[parameter]["Default"])


def retention(row: str) -> str:
    """How long the page says that something is kept, whose row begins like that."""
    [found] = re.findall(rf"^\| {row}[^|]*\| ([^|]+) \|", PRIVACY, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(
    ("said", "is_so"),
    [
        ("at most 8,192 characters", jws.MAX_TOKEN_CHARACTERS == 8_192),
        ("at least 32 bytes | HS256", jws.MIN_SECRET_BYTES == 32),
        ("RS256 (2,048 bits or more)", jwks.MIN_RSA_BITS == 2_048),
        ("Keys are kept for ten minutes", jwks.FRESH_S == 600),
        ("at most once a minute", jwks.ASK_AGAIN_S == 60),
        ("serve on for a day", jwks.STALE_S == 86_400),
        ("A new secret is noticed within five minutes", secret.FRESH_S == 300),
        ("cannot be read the one that is known serves on for a day, too", secret.STALE_S == 86_400),
        ("five seconds more are given", claims.LEEWAY_S == 5),
        ("Neither may lie more than five seconds ahead", claims.LEEWAY_S == 5),
        ("1 to 255 printable characters", claims.MAX_SUBJECT_CHARACTERS == 255),
    ],
)
def test_what_the_page_says_of_tokens_is_so(said: str, is_so: bool):
    assert said in " ".join(AUTH.split())
    assert is_so


def test_api_gateway_keeps_the_authorizers_answer_as_the_page_says():
    [authorizer] = API["Auth"]["Authorizers"].values()

    assert "for five minutes, by the `Authorization` header alone" in " ".join(AUTH.split())
    assert {"Headers": ["Authorization"], "ReauthorizeEvery": 300} == authorizer["Identity"]
    assert "REQUEST" == authorizer["FunctionPayloadType"]


def test_the_privacy_page_says_how_long_things_are_kept():
    jumps = (LUA / "apply.lua").read_text()
    [deliveries] = [queue for name, queue in resources("AWS::SQS::Queue").items() if name == "DeliveriesQueue"]

    assert f"until it has been silent for {default('DriverTtlSeconds')} s" == retention("the newest reading")
    assert retention("a reading that was held").endswith("at most an hour")
    assert "KEPT_SECONDS = 3600" in jumps
    assert retention("pings on the stream").startswith(f"{default('StreamRetentionHours')} hours")
    assert f"{default('FailureRetentionSeconds') // 86_400} days" == retention("what could not be applied")
    assert ("a minute", 60) == (retention("frames"), deliveries["Properties"]["MessageRetentionPeriod"])
    assert retention("who is connected").endswith("at most 2 hours and 10 minutes")
    assert 2 * 3_600 + 10 * 60 == registry.RECORD_SECONDS
    assert f"{default('LogRetentionDays')} days" == retention("logs")


def test_how_long_something_is_kept_is_said_in_one_place():
    [stream] = resources("AWS::Kinesis::Stream").values()
    query = TEMPLATE["Resources"]["QueryFunction"]["Properties"]["Environment"]["Variables"]
    failures = resources("AWS::SQS::Queue")["FailureQueue"]["Properties"]

    # Who is forgotten is told what the stream, the queue and the logs were told.
    assert {"Ref": "StreamRetentionHours"} == stream["Properties"]["RetentionPeriodHours"]
    assert {"Ref": "StreamRetentionHours"} == query["STREAM_RETENTION_HOURS"]
    assert {"Ref": "FailureRetentionSeconds"} == failures["MessageRetentionPeriod"]
    assert {"Ref": "FailureRetentionSeconds"} == query["FAILURE_RETENTION_SECONDS"]
    assert {"Ref": "LogRetentionDays"} == query["LOG_RETENTION_DAYS"]


def test_the_privacy_page_says_what_is_published():
    assert f"(K, by default {default('MinCellDrivers')}; with 1 all counts are shown)" in PRIVACY
    assert f"| as published | up to {privacy.FINEST} (153 m) | never |" in PRIVACY
    assert privacy.FINEST < KEPT_PRECISION
