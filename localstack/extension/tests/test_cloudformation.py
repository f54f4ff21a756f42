"""Stacks with the types this package provides, and updates that LocalStack alone would report and not make."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

QUEUE = {"Type": "AWS::SQS::Queue"}
UNSUPPORTED = {"Type": "AWS::Braket::Nothing"}
INVALID = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "x"}}


def test_a_type_that_nobody_provides_fails_the_stack_by_name(localstack: Any) -> None:
    stack = localstack.create_stack("unsupported", {"Queue": QUEUE, "Other": UNSUPPORTED})

    assert stack["StackStatus"] == "CREATE_FAILED"
    assert "AWS::Braket::Nothing" in stack["StackStatusReason"]


def test_a_type_that_nobody_provides_fails_the_update_by_name(localstack: Any) -> None:
    localstack.create_stack("growing", {"Queue": QUEUE})
    stack = localstack.update_stack("growing", {"Queue": QUEUE, "Other": UNSUPPORTED})

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "AWS::Braket::Nothing" in stack["StackStatusReason"]
    assert localstack.update_stack("growing", {"Queue": QUEUE, "More": QUEUE})["StackStatus"] == "UPDATE_COMPLETE"


def test_an_update_that_fails_is_reported_with_its_reason(localstack: Any) -> None:
    localstack.create_stack("failing", {"Queue": QUEUE})
    stack = localstack.update_stack("failing", {"Queue": QUEUE, "Bucket": INVALID})

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "InvalidBucketName" in stack["StackStatusReason"]


def test_after_an_update_that_failed_another_one_may_succeed(localstack: Any, outputs: Any) -> None:
    def resources(hours: int) -> dict[str, Any]:
        stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1, "RetentionPeriodHours": hours}}
        # It is not reached by the update that fails, and the next one has to know what it refers to.
        follower = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Stream}-next"}}}
        return {"Stream": stream, "Follower": follower}

    names = {"Stream": {"Ref": "Stream"}, "Next": {"Ref": "Follower"}}
    before = outputs(localstack.create_stack("recovering", resources(24), names))
    assert localstack.update_stack("recovering", resources(1), names)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    after = localstack.update_stack("recovering", resources(48), names)

    assert (after["StackStatus"], outputs(after)) == ("UPDATE_COMPLETE", before)
    described = localstack.client("kinesis").describe_stream_summary(StreamName=before["Stream"])
    assert described["StreamDescriptionSummary"]["RetentionPeriodHours"] == 48


def dashboard(text: str) -> dict[str, Any]:
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": text}}]})
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": body}}


def test_a_dashboard_is_created_and_updated(localstack: Any, outputs: Any) -> None:
    name = outputs(localstack.create_stack("boards", {"Board": dashboard("first")}, {"Name": {"Ref": "Board"}}))["Name"]
    localstack.update_stack("boards", {"Board": dashboard("second")}, {"Name": {"Ref": "Board"}})

    body = localstack.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    assert "second" in body


def rule(minutes: int, target: str) -> dict[str, Any]:
    targets = [{"Id": target, "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}]
    properties = {"ScheduleExpression": f"rate({minutes} minutes)", "Targets": targets}
    return {"Type": "AWS::Events::Rule", "Properties": properties}


def test_a_rule_is_updated_in_place(localstack: Any, outputs: Any) -> None:
    first = localstack.create_stack("rules", {"Queue": QUEUE, "Rule": rule(2, "old")}, {"Name": {"Ref": "Rule"}})
    second = localstack.update_stack("rules", {"Queue": QUEUE, "Rule": rule(3, "new")}, {"Name": {"Ref": "Rule"}})
    events, name = localstack.client("events"), outputs(first)["Name"]

    assert outputs(second)["Name"] == name
    assert events.describe_rule(Name=name)["ScheduleExpression"] == "rate(3 minutes)"
    assert [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]] == ["new"]


def nested(localstack: Any, key: str, queue: str) -> dict[str, Any]:
    resources = {"Queue": {**QUEUE, "Properties": {"QueueName": queue}}}
    body = {"Resources": resources, "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}}}
    s3 = localstack.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key=key, Body=json.dumps(body))
    url = f"{localstack.url}/templates/{key}"
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}


def test_a_nested_stack_is_updated(localstack: Any, outputs: Any) -> None:
    value = {"Name": {"Fn::GetAtt": ["Inner", "Outputs.Name"]}}
    first = localstack.create_stack("outer", {"Inner": nested(localstack, "1.json", "before")}, value)
    second = localstack.update_stack("outer", {"Inner": nested(localstack, "2.json", "after")}, value)

    assert outputs(first) == {"Name": "before"}
    assert outputs(second) == {"Name": "after"}
    assert localstack.client("sqs").list_queues(QueueNamePrefix="after")["QueueUrls"]


def rest_api(
    answers: dict[str, str],
    deployment: str,
    api_properties: dict[str, str],
    stage_properties: dict[str, Any] | None = None,
    responses: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An API whose paths answer with a text, and its stage; each deployment has a name of its own, as SAM's have."""

    def answered(text: str) -> dict[str, Any]:
        integration = {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": text}}},
        }
        return {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration}}

    paths = {f"/{path}": answered(text) for path, text in answers.items()}
    body = {"openapi": "3.0.1", "info": {"title": "greetings", "version": "1"}, "paths": paths}
    body |= {"x-amazon-apigateway-gateway-responses": responses} if responses else {}
    api, shown = {"Ref": "Api"}, {"Ref": deployment}
    return {
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {"Name": "greetings", "Body": body, **api_properties},
        },
        deployment: {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": api, "Description": deployment},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {"RestApiId": api, "StageName": "live", "DeploymentId": shown, **(stage_properties or {})},
        },
    }


def answer_of(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the test's own server
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def test_an_updated_rest_api_answers_at_its_old_address_with_its_new_paths(localstack: Any, outputs: Any) -> None:
    value = {"Id": {"Ref": "Api"}}
    first = localstack.create_stack(
        "rest",
        rest_api({"one": "before", "gone": "still here"}, "Deployment1", {"ApiKeySourceType": "HEADER"}),
        value,
    )
    second = localstack.update_stack(
        "rest",
        rest_api({"one": "after", "two": "new"}, "Deployment2", {"ApiKeySourceType": "AUTHORIZER"}),
        value,
    )
    url = f"{localstack.url}/_aws/execute-api/{outputs(second)['Id']}/live"

    assert outputs(first) == outputs(second)
    api = localstack.client("apigateway").get_rest_api(restApiId=outputs(second)["Id"])
    assert api["apiKeySource"] == "AUTHORIZER"
    said = [answer_of(f"{url}/{path}") for path in ("one", "two", "gone")]
    assert said == [(200, b"after"), (200, b"new"), (403, b"")]


def test_what_is_taken_out_of_a_rest_api_and_its_stage_is_as_where_it_never_was(localstack: Any, outputs: Any) -> None:
    value = {"Id": {"Ref": "Api"}}
    answers = {"one": "hello"}
    missing = {"MISSING_AUTHENTICATION_TOKEN": {"statusCode": "404"}}
    full = rest_api(
        answers,
        "Deployment1",
        {"ApiKeySourceType": "AUTHORIZER", "Description": "greets"},
        {"Description": "greeting", "TracingEnabled": True, "Variables": {"tone": "friendly"}},
        missing,
    )
    api_id = outputs(localstack.create_stack("emptied", full, value))["Id"]
    url = f"{localstack.url}/_aws/execute-api/{api_id}/live/missing"
    assert answer_of(url) == (404, b"")

    # Twice, for what is gone has to stay so.
    for deployment in ("Deployment2", "Deployment3"):
        stack = localstack.update_stack("emptied", rest_api(answers, deployment, {}), value)
        assert stack["StackStatus"] == "UPDATE_COMPLETE"

    gateway = localstack.client("apigateway")
    api, stage = gateway.get_rest_api(restApiId=api_id), gateway.get_stage(restApiId=api_id, stageName="live")
    assert (api["apiKeySource"], api.get("description", "")) == ("HEADER", "")
    assert (stage.get("description", ""), stage["tracingEnabled"], stage.get("variables", {})) == ("", False, {})
    assert answer_of(url) == (403, b"")


def bucket(index: str) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"WebsiteConfiguration": {"IndexDocument": index}}}


def policy(sid: str) -> dict[str, Any]:
    resource = {"Fn::Sub": "${Bucket.Arn}/*"}
    statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document}}


@pytest.mark.parametrize("sid", ["Same", "Changed"])
def test_an_updated_bucket_keeps_its_policy(localstack: Any, outputs: Any, sid: str) -> None:
    name = f"site-{sid.lower()}"
    value = {"Name": {"Ref": "Bucket"}}
    localstack.create_stack(name, {"Bucket": bucket("one.html"), "Policy": policy("Same")}, value)
    stack = localstack.update_stack(name, {"Bucket": bucket("two.html"), "Policy": policy(sid)}, value)
    s3, created = localstack.client("s3"), outputs(stack)["Name"]

    assert s3.get_bucket_website(Bucket=created)["IndexDocument"] == {"Suffix": "two.html"}
    assert json.loads(s3.get_bucket_policy(Bucket=created)["Policy"])["Statement"][0]["Sid"] == sid


def stream(hours: int) -> dict[str, Any]:
    return {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1, "RetentionPeriodHours": hours}}


def test_a_stream_with_a_shard_count_is_provisioned_and_its_retention_updated(localstack: Any, outputs: Any) -> None:
    value = {"Name": {"Ref": "Stream"}}
    name = outputs(localstack.create_stack("streams", {"Stream": stream(24)}, value))["Name"]
    localstack.update_stack("streams", {"Stream": stream(48)}, value)

    summary = localstack.client("kinesis").describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert (summary["OpenShardCount"], summary["RetentionPeriodHours"]) == (1, 48)


def test_security_group_rules_and_metric_filters_are_created_and_deleted(localstack: Any, eventually: Any) -> None:
    group = {"Fn::GetAtt": ["Group", "GroupId"]}
    ports = {"GroupId": group, "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6380}
    metric = {"MetricName": "Errors", "MetricNamespace": "Mine", "MetricValue": "1", "DefaultValue": 0}
    filter_properties = {
        "LogGroupName": {"Ref": "Logs"},
        "FilterPattern": "ERROR",
        "MetricTransformations": [metric],
    }
    resources = {
        "Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "cache", "VpcId": {"Ref": "Network"}},
        },
        "In": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": ports | {"SourceSecurityGroupId": group}},
        "Out": {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": ports | {"CidrIp": "10.0.0.0/16"}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "mine", "RetentionInDays": 7}},
        "Filter": {"Type": "AWS::Logs::MetricFilter", "Properties": filter_properties},
    }
    assert localstack.create_stack("paper", resources)["StackStatus"] == "CREATE_COMPLETE"
    logs = localstack.client("logs")
    assert logs.describe_log_groups(logGroupNamePrefix="mine")["logGroups"][0]["retentionInDays"] == 7
    assert len(logs.describe_metric_filters(logGroupName="mine")["metricFilters"]) == 1

    localstack.client("cloudformation").delete_stack(StackName="paper")
    eventually(lambda: not logs.describe_log_groups(logGroupNamePrefix="mine")["logGroups"])
