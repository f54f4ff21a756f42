"""What feeds the functions, and what they reach: nothing is lost on the way, nobody waits for what cannot answer."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloudformation import ROOT, all_resources, load, resources

NETWORK = ROOT / "infra/network.yaml"
TEMPLATE = load()
PARAMETERS = TEMPLATE["Parameters"]
FUNCTIONS = resources("AWS::Serverless::Function")
QUEUES = resources("AWS::SQS::Queue")
# What a function is given the name of, and the service that it asks for it.
SERVICES = {
    "DELIVERIES_QUEUE_URL": "sqs",
    "FAILURE_QUEUE_URL": "sqs",
    "GONE_QUEUE_URL": "sqs",
    "PING_STREAM": "kinesis-streams",
    "TOKEN_SECRET_ARN": "secretsmanager",
    "JWKS_URL": "the internet",
    "WEBSOCKET_API_ENDPOINT": "execute-api",
}


def sources(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The function and the properties of each event source of a kind."""
    for name, function in FUNCTIONS.items():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == kind:
                yield name, event["Properties"]


def timeout_s(function: str) -> int:
    shared: int = TEMPLATE["Globals"]["Function"]["Timeout"]
    return int(FUNCTIONS[function]["Properties"].get("Timeout", shared))


def called_by(function: str) -> set[str]:
    """The services that a function asks for something."""
    variables = FUNCTIONS[function]["Properties"]["Environment"]["Variables"]
    return {service for name, service in SERVICES.items() if name in variables}


def in_vpc() -> set[str]:
    return {name for name, function in FUNCTIONS.items() if "VpcConfig" in function["Properties"]}


def test_pings_wait_in_the_stream_until_they_are_counted_or_too_old_and_then_it_is_known():
    [(_, pings)] = sources("Kinesis")

    # One after the other: how far a shard has been counted is noted as one place in it.
    assert 1 == pings["ParallelizationFactor"]
    # No number of attempts: an outage would use it up in seconds.
    assert (-1, {"Ref": "GiveUpAfterSeconds"}) == (pings["MaximumRetryAttempts"], pings["MaximumRecordAgeInSeconds"])
    assert pings["BisectBatchOnFunctionError"]
    assert "TRIM_HORIZON" == pings["StartingPosition"]
    on_failure = pings["DestinationConfig"]["OnFailure"]
    assert {"Type": "SQS", "Destination": {"Fn::GetAtt": ["FailureQueue", "Arn"]}} == on_failure


def test_what_was_not_applied_is_known_for_longer_than_it_can_be_read():
    stream_s = 3_600 * PARAMETERS["StreamRetentionHours"]["Default"]

    assert PARAMETERS["GiveUpAfterSeconds"]["Default"] < stream_s < PARAMETERS["FailureRetentionSeconds"]["Default"]
    # Even where all are set to what they allow.
    assert PARAMETERS["GiveUpAfterSeconds"]["MaxValue"] <= 3_600 * PARAMETERS["StreamRetentionHours"]["MinValue"]


@pytest.mark.parametrize(("function", "source"), list(sources("SQS")), ids=[name for name, _ in sources("SQS")])
def test_a_message_is_handed_out_again_only_when_its_function_has_ended(function: str, source: dict[str, Any]):
    name = source["Queue"]["Fn::GetAtt"][0]

    # Six times, as AWS advises; but a frame has lost its use by then.
    times = 1 if name == "DeliveriesQueue" else 6
    assert times * timeout_s(function) <= QUEUES[name]["Properties"]["VisibilityTimeout"]


def test_a_frame_that_was_not_delivered_is_tried_again_before_it_is_dropped():
    queue = QUEUES["DeliveriesQueue"]["Properties"]

    assert 2 * queue["VisibilityTimeout"] <= queue["MessageRetentionPeriod"]


def test_of_a_batch_of_gone_connections_only_those_come_again_that_failed():
    [told] = [source for function, source in sources("SQS") if function == "ConnectionsFunction"]

    # Which its handler reports; the deliverer's reports nothing, and fails for the whole batch.
    assert ["ReportBatchItemFailures"] == told["FunctionResponseTypes"]


def test_two_broadcasters_overlap_and_never_three():
    assert 2 == FUNCTIONS["BroadcastFunction"]["Properties"]["ReservedConcurrentExecutions"]


@pytest.mark.parametrize("name", sorted(name for name, _ in sources("Schedule")))
def test_what_runs_every_minute_is_not_repeated_when_it_fails(name: str):
    assert {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0} == (
        FUNCTIONS[name]["Properties"]["EventInvokeConfig"]
    )


def test_what_a_function_in_the_vpc_asks_has_an_endpoint_there():
    endpoints = all_resources("AWS::EC2::VPCEndpoint").values()
    services = {each["Properties"]["ServiceName"]["Fn::Sub"].rpartition("${AWS::Region}.")[2] for each in endpoints}

    assert services == set().union(*map(called_by, in_vpc()))
    for endpoint in endpoints:
        assert endpoint["Properties"]["PrivateDnsEnabled"], "the service's usual name would lead out of the VPC"
        assert [{"Ref": "PrivateSubnetA"}, {"Ref": "PrivateSubnetB"}] == endpoint["Properties"]["SubnetIds"]
    [vpc] = all_resources("AWS::EC2::VPC").values()
    assert vpc["Properties"]["EnableDnsSupport"]
    assert vpc["Properties"]["EnableDnsHostnames"]


def test_every_service_that_a_function_is_told_of_is_known_here():
    told = {name for function in FUNCTIONS.values() for name in function["Properties"]["Environment"]["Variables"]}

    assert set(SERVICES) == {name for name in told if name.endswith(("_URL", "_ARN", "_STREAM", "_ENDPOINT"))} - {
        "REDIS_URL"
    }


@pytest.mark.parametrize("name", sorted(resources("AWS::EC2::SecurityGroup", path=NETWORK)))
def test_only_the_functions_may_connect_to_anything_in_the_vpc(name: str):
    group = resources("AWS::EC2::SecurityGroup", path=NETWORK)[name]["Properties"]
    let_in = [
        set(rule) - {"Description", "IpProtocol", "FromPort", "ToPort"}
        for rule in group.get("SecurityGroupIngress", [])
    ]

    assert all(by == {"SourceSecurityGroupId"} for by in let_in)
    for rule in group.get("SecurityGroupIngress", []):
        assert {"Fn::GetAtt": ["FunctionsSecurityGroup", "GroupId"]} == rule["SourceSecurityGroupId"]
        assert rule["FromPort"] == rule["ToPort"]


def test_names_of_ones_own_are_served_by_a_tls_that_is_not_broken():
    policies = [
        all_resources("AWS::ApiGateway::DomainName")["RestDomain"]["Properties"]["SecurityPolicy"],
        all_resources("AWS::ApiGatewayV2::DomainName")["WebSocketDomain"]["Properties"]["DomainNameConfigurations"][0][
            "SecurityPolicy"
        ],
    ]

    assert ["TLS_1_2"] * 2 == policies


def test_a_socket_opens_only_with_a_token_and_so_does_every_route_of_the_rest_api():
    routes = all_resources("AWS::ApiGatewayV2::Route")
    [connect] = [each["Properties"] for each in routes.values() if "$connect" == each["Properties"]["RouteKey"]]
    rest = resources("AWS::Serverless::Api")["RestApi"]["Properties"]["Auth"]

    assert ("CUSTOM", {"Ref": "Authorizer"}) == (connect["AuthorizationType"], connect["AuthorizerId"])
    assert rest["DefaultAuthorizer"] in rest["Authorizers"]
    assert {"Fn::GetAtt": ["AuthorizeFunction", "Arn"]} == rest["Authorizers"][rest["DefaultAuthorizer"]]["FunctionArn"]


def test_no_access_log_holds_a_viewers_token():
    # Which may stand in the address.
    stages = [*all_resources("AWS::ApiGatewayV2::Stage").values(), *all_resources("AWS::Serverless::Api").values()]

    assert 2 == len(stages)
    assert [] == [stage for stage in stages if {"AccessLogSettings", "AccessLogSetting"} & stage["Properties"].keys()]
