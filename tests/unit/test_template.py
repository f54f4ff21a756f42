"""What the templates promise: encrypted, private, in two zones, with nothing left to chance."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cloudformation import FILES, MAIN, ROOT, all_resources, load, references, resources, values
from fleetglow.deployment import LOCAL_PARAMETERS
from heatmap.access import DEFAULT_PLAN

PARAMETERS = load()["Parameters"]
FUNCTIONS = resources("AWS::Serverless::Function")
NESTED = resources("AWS::Serverless::Application")
# What LocalStack has no type for stands in a template of its own, which is not even looked at unless it is wanted.
OPTIONAL = {"CacheUsers", "Page", "Domains", "Budget"}
STATEFUL = (
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Kinesis::Stream",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
)
CONFIGURATION = tomllib.loads((ROOT / "samconfig.toml").read_text())
STAGES = [stage for stage in CONFIGURATION if stage != "version"]


def overrides(stage: str) -> dict[str, str]:
    given = CONFIGURATION[stage]["deploy"]["parameters"].get("parameter_overrides", "")
    return dict(each.split("=", maxsplit=1) for each in given.split())


def allows(parameter: dict[str, Any], value: str) -> bool:
    """Whether CloudFormation would take a value for a parameter."""
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return False
    if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], value):
        return False
    if parameter["Type"] != "Number":
        return True
    return parameter.get("MinValue", 0) <= float(value) <= parameter.get("MaxValue", float("inf"))


def test_the_deploy_page_gives_up_none_of_what_a_stage_overrides():
    page = (ROOT / "docs/deploy.md").read_text().replace("\\\n", "")
    commands = re.findall(r"sam deploy --config-env (\w+) --parameter-overrides (.+)", page)

    assert commands
    for stage, given in commands:
        assert overrides(stage).items() <= dict(each.split("=", 1) for each in given.split() if "=" in each).items()


def test_queues_stream_bucket_and_cache_are_encrypted_at_rest():
    assert all(queue["Properties"]["SqsManagedSseEnabled"] for queue in resources("AWS::SQS::Queue").values())
    [stream] = resources("AWS::Kinesis::Stream").values()
    assert {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"} == stream["Properties"]["StreamEncryption"]
    [bucket] = resources("AWS::S3::Bucket").values()
    assert bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    [cache] = all_resources("AWS::ElastiCache::ReplicationGroup").values()
    assert True is cache["Properties"]["AtRestEncryptionEnabled"]


def test_by_default_the_cache_speaks_tls_and_lets_in_nobody_but_the_functions():
    assert "iam" == PARAMETERS["CacheAccess"]["Default"]
    assert {"Fn::Equals": [{"Ref": "CacheAccess"}, "iam"]} == load()["Conditions"]["HasCacheUsers"]
    [cache] = all_resources("AWS::ElastiCache::ReplicationGroup").values()
    assert {"Fn::If": ["IsGuarded", True, False]} == cache["Properties"]["TransitEncryptionEnabled"]
    users = all_resources("AWS::ElastiCache::User")
    assert "iam" == users["Functions"]["Properties"]["AuthenticationMode"]["Type"]
    assert "off -@all" == users["Nobody"]["Properties"]["AccessString"]


def test_a_full_cache_forgets_nobody():
    [group] = all_resources("AWS::ElastiCache::ParameterGroup").values()

    assert {"maxmemory-policy": "noeviction"} == group["Properties"]["Properties"]


def test_by_default_the_page_is_served_over_https_from_a_bucket_that_nobody_else_reads():
    assert "cloudfront" == PARAMETERS["PageHosting"]["Default"]
    [bucket] = resources("AWS::S3::Bucket").values()
    blocked = bucket["Properties"]["PublicAccessBlockConfiguration"].values()
    assert all(block in (True, {"Fn::If": ["IsWebsite", False, True]}) for block in blocked)
    [page] = all_resources("AWS::CloudFront::Distribution").values()
    behavior = page["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]
    assert "redirect-to-https" == behavior["ViewerProtocolPolicy"]


@pytest.mark.parametrize("name", all_resources(*STATEFUL))
def test_it_is_said_what_becomes_of_what_keeps_something(name: str):
    assert {"DeletionPolicy", "UpdateReplacePolicy"} <= all_resources(*STATEFUL)[name].keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_log_group_that_forgets(name: str):
    group = resources("AWS::Logs::LogGroup")[f"{name.removesuffix('Function')}LogGroup"]["Properties"]

    assert {"Ref": "LogRetentionDays"} == group["RetentionInDays"]
    assert {"Fn::If": ["HasLogKey", {"Ref": "LogKeyArn"}, {"Ref": "AWS::NoValue"}]} == group["KmsKeyId"]


def test_what_needs_the_cache_is_in_two_zones_and_nothing_there_has_a_way_out():
    zones = [subnet["Properties"]["AvailabilityZone"] for subnet in all_resources("AWS::EC2::Subnet").values()]
    ways_out = ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EgressOnlyInternetGateway")

    assert [0, 1] == [zone["Fn::Select"][0] for zone in zones]
    assert {} == all_resources(*ways_out)
    in_vpc = {name for name, each in FUNCTIONS.items() if "VpcConfig" in each["Properties"]}
    with_cache = {
        name for name, each in FUNCTIONS.items() if "REDIS_URL" in each["Properties"]["Environment"]["Variables"]
    }
    assert with_cache == in_vpc


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_parameter_and_condition_is_used(path: Path):
    template = load(path)
    used = references({name: template.get(name, {}) for name in ("Globals", "Conditions", "Resources", "Outputs")})
    conditions = {
        name
        for node in values(template)
        if isinstance(node, dict)
        for name in (node.get("Condition"), *(node.get("Fn::If") or [None])[:1])
        if isinstance(name, str)
    }

    assert set() == set(template.get("Parameters", {})) - used
    assert set() == set(template.get("Conditions", {})) - conditions - used


@pytest.mark.parametrize("name", NESTED)
def test_a_nested_template_is_given_what_it_asks_for(name: str):
    properties = NESTED[name]["Properties"]

    wanted = load(ROOT / properties["Location"]).get("Parameters", {})
    assert set(wanted) == set(properties.get("Parameters", {}))


def test_what_localstack_lacks_is_there_only_on_a_condition():
    assert {name for name, each in NESTED.items() if "Condition" in each} == OPTIONAL


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_gives_parameters_that_there_are(stage: str):
    assert {} == {
        name: value
        for name, value in overrides(stage).items()
        if name not in PARAMETERS or not allows(PARAMETERS[name], value)
    }


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_lowers_the_guard(stage: str):
    assert not LOCAL_PARAMETERS.keys() & overrides(stage).keys()


def test_the_local_values_are_ones_that_the_template_takes_and_does_not_have_by_itself():
    for name, value in LOCAL_PARAMETERS.items():
        assert allows(PARAMETERS[name], value)
        assert PARAMETERS[name]["Default"] != value


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_default_is_one_that_the_template_takes(name: str):
    assert allows(PARAMETERS[name], str(PARAMETERS[name].get("Default", "")))


def test_all_files_of_the_folder_are_in_use():
    assert {path.name for path in FILES} - {MAIN.name} == {
        Path(each["Properties"]["Location"]).name for each in NESTED.values()
    }


def test_the_operations_page_lists_every_parameter():
    table = (ROOT / "docs/operations.md").read_text().split("## Settings")[1].split("\n## ")[0]

    assert set() == set(PARAMETERS) - set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def default(value: Any) -> int:
    """A number, or the default of the parameter that is referred to."""
    return int(PARAMETERS[value["Ref"]]["Default"] if isinstance(value, dict) else value)


def rest_rates() -> dict[tuple[str, str], int]:
    """Requests a second that are let through by default, by method and path: a rate holds for each by itself."""
    [api] = resources("AWS::Serverless::Api").values()
    settings = {(each["HttpMethod"], each["ResourcePath"]): each for each in api["Properties"]["MethodSettings"]}
    return {
        method: default(settings.get(method, settings["*", "/*"])["ThrottlingRateLimit"]) for method in rest_methods()
    }


def rest_methods() -> set[tuple[str, str]]:
    """Each method and its path as settings are for it."""
    events = [
        event["Properties"] for each in FUNCTIONS.values() for event in each["Properties"].get("Events", {}).values()
    ]
    return {(each["Method"].upper(), "/" + each["Path"].replace("/", "~1")) for each in events if "Path" in each}


def socket_rates() -> dict[str, int]:
    """Messages a second that are let through by default, by route."""
    [stage] = all_resources("AWS::ApiGatewayV2::Stage").values()
    settings = stage["Properties"]
    given = NESTED["WebSocket"]["Properties"]["Parameters"]
    routes = [each["Properties"]["RouteKey"] for each in all_resources("AWS::ApiGatewayV2::Route").values()]
    rates = {
        route: settings["RouteSettings"].get(route, settings["DefaultRouteSettings"])["ThrottlingRateLimit"]
        for route in routes
    }
    # A connection ends once.
    return {route: default(given[rates[route]["Ref"]]) for route in routes} | {
        "$disconnect": default(given[rates["$connect"]["Ref"]])
    }


def test_by_default_what_is_let_through_and_what_is_posted_fits_into_the_accounts_quota():
    through = sum(rest_rates().values()) + sum(socket_rates().values())

    quota = PARAMETERS["RequestsPerSecondQuota"]["Default"]
    assert 0.95 * quota <= through + PARAMETERS["PostsPerSecond"]["Default"] <= quota


def test_as_many_pings_are_let_through_on_the_socket_as_by_the_rest_api():
    assert rest_rates()["POST", "/~1pings"] == socket_rates()["ping"]


def test_every_method_is_throttled_and_those_with_a_rate_of_their_own_are_ones():
    [api] = resources("AWS::Serverless::Api").values()
    settings = {(each["HttpMethod"], each["ResourcePath"]): each for each in api["Properties"]["MethodSettings"]}

    assert ("*", "/*") in settings
    assert settings.keys() - {("*", "/*")} <= rest_methods()
    assert all({"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= each.keys() for each in settings.values())


def test_no_end_of_a_connection_is_throttled_and_settings_are_for_routes_that_there_are():
    [stage] = all_resources("AWS::ApiGatewayV2::Stage").values()
    routes = {name: each["Properties"]["RouteKey"] for name, each in all_resources("AWS::ApiGatewayV2::Route").items()}
    given = NESTED["WebSocket"]["Properties"]["Parameters"]
    settings = stage["Properties"]["RouteSettings"]

    assert {"Ref": "RequestsPerSecondQuota"} == given[settings["$disconnect"]["ThrottlingRateLimit"]["Ref"]]
    # A stage that is made before them is refused.
    assert settings.keys() == {routes[name] for name in stage["DependsOn"]}


def test_all_that_takes_a_token_counts_for_a_usage_plan_and_nothing_else():
    [api] = resources("AWS::Serverless::Api").values()
    events = [
        event["Properties"] for each in FUNCTIONS.values() for event in each["Properties"].get("Events", {}).values()
    ]

    assert ("AUTHORIZER", True) == (api["Properties"]["ApiKeySourceType"], api["Properties"]["Auth"]["ApiKeyRequired"])
    assert all({"Authorizer": "NONE", "ApiKeyRequired": False} == each["Auth"] for each in events if "Auth" in each)
    # What the authorizer says of a token without a plan is the key that the stack has for them.
    prefix = FUNCTIONS["AuthorizeFunction"]["Properties"]["Environment"]["Variables"]["USAGE_KEYS"]["Fn::Sub"]
    [key] = resources("AWS::ApiGateway::ApiKey").values()
    assert {"Fn::Sub": prefix + DEFAULT_PLAN} == key["Properties"]["Value"]
    assert {"Fn::Sub": prefix} == load()["Outputs"]["UsageKeyPrefix"]["Value"]
