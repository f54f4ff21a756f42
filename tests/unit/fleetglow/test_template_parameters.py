"""What `up --parameter` takes, before anything starts."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloudformation import load
from fleetglow.command_line import app
from fleetglow.deployment import LOCAL_PARAMETERS
from fleetglow.errors import BadInput
from fleetglow.template_parameters import TEMPLATE, checked, rules_of

TEXTS = """
Parameters:
  Short: {Type: String, MaxLength: 3}
  Word: {Type: String, MinLength: 2, MaxLength: 4}
  Free: {Type: String}
  Any: {Type: Number}
  Most: {Type: Number, MaxValue: 2.5}
  Days: {Type: Number, AllowedValues: [1, 7]}
  Letters: {Type: String, AllowedPattern: "[a-z]+"}
  Said: {Type: String, AllowedPattern: "[a-z]+", ConstraintDescription: small letters}
Resources:
  Other: {Type: !Sub "AWS::${Free}"}
"""


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    template = tmp_path / "template.yaml"
    template.write_text(TEXTS)
    return template


def test_the_values_come_by_name():
    given = ["CacheEngine=redis", "TickSeconds=2.5", "AlarmTopicArn=arn:aws:sns:us-east-1:1:a=b", "BudgetEmail=none"]

    assert {
        "CacheEngine": "redis",
        "TickSeconds": "2.5",
        "AlarmTopicArn": "arn:aws:sns:us-east-1:1:a=b",
        "BudgetEmail": "none",
    } == checked(given)


def test_a_parameter_is_given_once():
    with pytest.raises(BadInput, match=r"^--parameter CacheNodes: expected one value, got 2$"):
        checked(["CacheNodes=2", "TickSeconds=2", "CacheNodes=2"])


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("CacheEngine", "--parameter: expected NAME=VALUE, got 'CacheEngine'"),
        ("=redis", "--parameter: expected NAME=VALUE, got '=redis'"),
        ("Precision=7", "--parameter: expected a parameter of the template, perhaps Precisions, got 'Precision'"),
        ("tickseconds=7", "--parameter: expected a parameter of the template, perhaps TickSeconds, got 'tickseconds'"),
        ("CacheEngine=foo", "--parameter CacheEngine: expected one of valkey, redis, got 'foo'"),
        ("LogRetentionDays=2", "--parameter LogRetentionDays: expected one of 1, 3, 5, 7, 14, 30"),
        ("Precisions=4,x", "--parameter Precisions: expected numbers from 4 to 8, none of them twice, with commas"),
        ("Precisions=7,", "between them, as 5,6,7, got '7,'"),
        ("Precisions=3,4", "got '3,4'"),
        ("Precisions=8,9", "got '8,9'"),
        ("Precisions=4,8,8", "got '4,8,8'"),
        ("CacheNodeType=t4g.small", "expected a type of ElastiCache's nodes, as cache.m7g.large, got 't4g.small'"),
        ("JwksUrl=http://acme.example/keys", "expected an https:// URL (http:// of localhost alone), or none, got"),
        ("JwksUrl=http://localhost.example/keys", "--parameter JwksUrl: expected an https:// URL"),
        ("RestDomainName=api", "expected a host's name in small letters, as api.example.com, or none, got 'api'"),
        ("WebSocketDomainName=wss://live.example.com", "--parameter WebSocketDomainName: expected a host's name"),
        ("BudgetEmail=", "--parameter BudgetEmail: expected an address of e-mail, or none, got ''"),
        ("AlarmTopicArn=alarms", "--parameter AlarmTopicArn: expected the ARN of an SNS topic, or none, got 'alarms'"),
        ("TickSeconds=abc", "--parameter TickSeconds: expected a number from 1 to 60, got 'abc'"),
        ("TickSeconds=0", "--parameter TickSeconds: expected a number from 1 to 60, got '0'"),
        ("TickSeconds=61", "--parameter TickSeconds: expected a number from 1 to 60, got '61'"),
        ("TickSeconds=nan", "--parameter TickSeconds: expected a number from 1 to 60, got 'nan'"),
        ("TickSeconds=", "--parameter TickSeconds: expected a number from 1 to 60, got ''"),
        ("FailureRetentionSeconds=1", "expected a number from 3,600 to 1,209,600, got '1'"),
        ("PingShards=0", "--parameter PingShards: expected a number of at least 1, got '0'"),
        ("TokenIssuer=", "--parameter TokenIssuer: expected at least one character, got ''"),
    ],
)
def test_what_the_template_does_not_take_is_named_with_what_it_takes(given: str, line: str):
    with pytest.raises(BadInput) as refused:
        checked([given])

    assert line in str(refused.value)


def test_a_name_that_resembles_none_is_answered_with_all():
    with pytest.raises(BadInput, match=r"--parameter: expected one of AlarmTopicArn, .*, got 'Zzz'"):
        checked(["Zzz=1"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Short=four", "a number of characters from 0 to 3"),
        ("Word=a", "a number of characters from 2 to 4"),
        ("Any=two", "a number"),
        ("Most=2.6", "a number of at most 2.5"),
        ("Days=3", "one of 1, 7"),
        ("Letters=A", r"what matches \[a-z\]\+"),
        ("Said=A", "small letters"),
    ],
)
def test_each_rule_is_said_in_words(texts: Path, given: str, expected: str):
    with pytest.raises(BadInput, match=f"expected {expected}, got"):
        checked([given], texts)


def test_what_has_no_rules_takes_anything(texts: Path):
    assert {"Free": "a = b", "Any": "-.5", "Days": "7"} == checked(["Free=a = b", "Any=-.5", "Days=7"], texts)


@pytest.mark.parametrize(
    "given",
    [
        "Precisions=7",
        "Precisions=8,5,6",
        "CacheNodeType=cache.m7g.24xlarge",
        "JwksUrl=https://acme.example/keys?v=1",
        "JwksUrl=http://127.0.0.1:9000/keys",
        "RestDomainName=api.eu-1.example.com",
        "BudgetEmail=you@example.com",
        "LogKeyArn=arn:aws:kms:eu-west-1:1:key/2",
        "DomainCertificateArn=arn:aws-cn:acm:cn-north-1:1:certificate/2",
    ],
)
def test_the_template_takes_what_is_well_formed(given: str):
    name, _, value = given.partition("=")

    assert {name: value} == checked([given])


def test_our_own_template_takes_its_defaults_and_what_is_set_here():
    defaults = {name: each["Default"] for name, each in load()["Parameters"].items()}

    assert set(defaults) == set(rules_of(TEMPLATE))
    assert checked(f"{name}={value}" for name, value in (defaults | LOCAL_PARAMETERS).items())


def test_every_rule_of_the_template_is_one_that_is_checked():
    known = {"Type", "Default", "Description", "AllowedValues", "AllowedPattern", "ConstraintDescription"}
    known |= {"MinLength", "MaxLength", "MinValue", "MaxValue"}

    assert known >= {key for each in load()["Parameters"].values() for key in each}
    assert {"String", "Number"} >= {each["Type"] for each in load()["Parameters"].values()}


def test_each_pattern_is_said_in_words():
    by_pattern = {name: each for name, each in load()["Parameters"].items() if "AllowedPattern" in each}

    assert by_pattern
    assert set() == {name for name, each in by_pattern.items() if "ConstraintDescription" not in each}


def test_up_refuses_before_it_starts_anything():
    refusal = CliRunner().invoke(app, ["up", "--parameter", "CacheEngine=foo"]).exception

    assert isinstance(refusal, BadInput)
    assert "--parameter CacheEngine: expected one of valkey, redis, got 'foo'" == str(refusal)
