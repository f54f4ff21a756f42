"""Functions run as processes the way Lambda runs them."""

import base64
import concurrent.futures
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

CODE = """
import os, subprocess, sys, time

print("loading")

def handler(event, context):
    action = event.get("do")
    if action == "environment":
        return dict(os.environ)
    if action == "sleep":
        print("going to sleep")
        time.sleep(event["seconds"])
    if action == "exit":
        print("last words")
        os._exit(event["code"])
    if action == "kill":
        os.kill(os.getpid(), 9)
    if action == "raise":
        raise ValueError("no such luck")
    if action == "answer":
        return "x" * event["length"]
    if action == "flood":
        print("y" * 300_000)
    if action == "count":
        return len(event["filler"])
    return {"pid": os.getpid(), "request_id": context.aws_request_id}
"""


@pytest.fixture(scope="module")
def function(localstack: Any) -> str:
    environment = {"Variables": {"COLOUR": "blue"}}
    localstack.create_function("probe", CODE, Timeout=2, MemorySize=256, Environment=environment)
    return "probe"


def tail(response: Any) -> str:
    return base64.b64decode(response["LogResult"]).decode()


def test_an_invocation_returns_the_handlers_result(localstack: Any, function: str) -> None:
    response = localstack.invoke(function, {})

    assert response["ResponseMetadata"]["RequestId"]
    assert "FunctionError" not in response
    assert len(response["Result"]["request_id"]) == 36


def test_a_warm_invocation_uses_the_same_process(localstack: Any, function: str) -> None:
    assert localstack.invoke(function, {})["Result"]["pid"] == localstack.invoke(function, {})["Result"]["pid"]


def test_the_environment_is_lambdas_and_the_functions_own(localstack: Any, function: str) -> None:
    environment = localstack.invoke(function, {"do": "environment"})["Result"]

    expected = {
        "COLOUR": "blue",
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_ENDPOINT_URL": localstack.url,
        "_HANDLER": "app.handler",
    }
    assert expected == {name: environment.get(name) for name in expected}
    assert environment["LAMBDA_TASK_ROOT"].endswith("/code")


def test_nothing_of_localstacks_environment_leaks_into_the_function(localstack: Any, function: str) -> None:
    environment = localstack.invoke(function, {"do": "environment"})["Result"]

    assert not {"PYTHONPATH", "VIRTUAL_ENV", "FILESYSTEM_ROOT", "GATEWAY_LISTEN"} & environment.keys()
    assert str(localstack.log.parent / "data") in environment["HOME"]


def test_the_log_tail_has_lambdas_lines_around_the_functions(localstack: Any, function: str) -> None:
    localstack.client("lambda").update_function_configuration(FunctionName=function, Description="cold again")
    localstack.client("lambda").get_waiter("function_updated_v2").wait(FunctionName=function)
    cold = tail(localstack.invoke(function, {}, LogType="Tail"))
    warm = tail(localstack.invoke(function, {}, LogType="Tail"))

    assert [line.split(" ")[0] for line in cold.splitlines()] == ["loading", "START", "END", "REPORT"]
    assert [line.split(" ")[0] for line in warm.splitlines()] == ["START", "END", "REPORT"]
    assert "Memory Size: 256 MB" in warm
    assert "Init Duration" in cold
    assert "Init Duration" not in warm


def logged(localstack: Any, function: str, text: str) -> bool:
    events = localstack.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    return any(text in event["message"] for event in events)


def test_the_log_reaches_cloudwatch_logs(localstack: Any, function: str, eventually: Any) -> None:
    localstack.invoke(function, {"do": "raise"})

    assert eventually(lambda: logged(localstack, function, "[ERROR] ValueError: no such luck"))


def test_more_output_than_a_pipe_holds_does_not_block(localstack: Any, function: str) -> None:
    response = localstack.invoke(function, {"do": "flood"}, LogType="Tail")

    assert "FunctionError" not in response
    assert "REPORT" in tail(response)


def test_an_exception_is_reported_with_its_type_and_stack_trace(localstack: Any, function: str) -> None:
    response = localstack.invoke(function, {"do": "raise"})

    assert response["FunctionError"] == "Unhandled"
    assert response["Result"]["errorType"] == "ValueError"
    assert response["Result"]["errorMessage"] == "no such luck"
    assert 'raise ValueError("no such luck")' in "".join(response["Result"]["stackTrace"])


def test_a_function_that_takes_too_long_is_ended_and_started_anew(localstack: Any, function: str) -> None:
    before = localstack.invoke(function, {})["Result"]["pid"]
    started = time.monotonic()
    response = localstack.invoke(function, {"do": "sleep", "seconds": 60}, LogType="Tail")

    assert 1.9 < time.monotonic() - started < 6
    assert response["Result"]["errorType"] == "Sandbox.Timedout"
    assert response["Result"]["errorMessage"].endswith(" Task timed out after 2.00 seconds")
    assert "going to sleep" in tail(response)
    assert "Status: timeout" in tail(response)
    assert localstack.invoke(function, {})["Result"]["pid"] != before


def test_a_function_that_exits_is_reported_and_started_anew(localstack: Any, function: str) -> None:
    response = localstack.invoke(function, {"do": "exit", "code": 3}, LogType="Tail")

    assert response["Result"]["errorType"] == "Runtime.ExitError"
    assert response["Result"]["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert "last words" in tail(response)
    assert "FunctionError" not in localstack.invoke(function, {})


def test_a_function_that_is_killed_is_reported_with_the_signal(localstack: Any, function: str) -> None:
    response = localstack.invoke(function, {"do": "kill"})

    assert response["Result"]["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")


def test_a_process_that_died_between_two_invocations_fails_neither(
    localstack: Any, function: str, eventually: Any
) -> None:
    first = localstack.invoke(function, {})["Result"]["pid"]
    os.kill(first, signal.SIGKILL)
    # Dead, and not yet waited for by the process that started it.
    eventually(lambda: Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[0] == "Z")

    response = localstack.invoke(function, {})

    assert "FunctionError" not in response
    assert first != response["Result"]["pid"]


def test_an_invocation_leaves_no_thread_behind(localstack: Any, function: str) -> None:
    def mappings() -> int:
        return len(Path(f"/proc/{localstack.process.pid}/maps").read_text().splitlines())

    invocations = 200
    localstack.invoke(function, {})
    before = mappings()
    for _ in range(invocations):
        localstack.invoke(function, {})

    # A thread that is not let go keeps its stack and the guard page below it.
    assert mappings() - before < invocations


def test_an_import_error_is_reported_and_logged(localstack: Any) -> None:
    localstack.create_function("broken", "print('so far so good')\nimport no_such_module")
    response = localstack.invoke("broken", {}, LogType="Tail")

    assert response["Result"]["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'no_such_module'" in response["Result"]["errorMessage"]
    assert "so far so good" in tail(response)


def test_an_exception_while_loading_is_reported_with_its_stack_trace(localstack: Any) -> None:
    localstack.create_function("unloadable", "def setup():\n    return 1 / 0\nsetup()")
    response = localstack.invoke("unloadable", {})

    assert response["Result"]["errorType"] == "ZeroDivisionError"
    assert "return 1 / 0" in "".join(response["Result"]["stackTrace"])


def test_an_asynchronous_invocation_runs(localstack: Any, function: str, eventually: Any) -> None:
    response = localstack.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps({"do": "raise"})
    )
    request_id = response["ResponseMetadata"]["RequestId"]

    assert response["StatusCode"] == 202
    assert eventually(lambda: logged(localstack, function, f"END RequestId: {request_id}"))


def test_concurrent_invocations_run_in_processes_of_their_own(localstack: Any, function: str) -> None:
    def invoke(_index: int) -> int:
        return int(localstack.invoke(function, {"do": "sleep", "seconds": 0.7})["Result"]["pid"])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(invoke, range(4)))) == 4


def test_reserved_concurrency_throttles(localstack: Any) -> None:
    localstack.create_function("single", CODE)
    localstack.client("lambda").put_function_concurrency(FunctionName="single", ReservedConcurrentExecutions=1)
    localstack.invoke("single", {})

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(localstack.invoke, "single", {"do": "sleep", "seconds": 1})
        time.sleep(0.3)  # not waiting for something, but being second
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            localstack.invoke("single", {})
    assert "FunctionError" not in first.result()


def test_new_code_is_used_after_an_update(localstack: Any, archive: Any) -> None:
    localstack.create_function("changing", "def handler(event, context): return 'old'")
    assert localstack.invoke("changing")["Result"] == "old"

    code = archive({"app.py": "def handler(event, context): return 'new'"})
    localstack.client("lambda").update_function_code(FunctionName="changing", ZipFile=code)
    localstack.client("lambda").get_waiter("function_updated_v2").wait(FunctionName="changing")
    assert localstack.invoke("changing")["Result"] == "new"


def test_new_configuration_is_used_after_an_update(localstack: Any) -> None:
    localstack.create_function("tuned", "import os\ndef handler(event, context): return os.environ.get('MODE')")
    assert localstack.invoke("tuned")["Result"] is None

    environment = {"Variables": {"MODE": "fast"}}
    localstack.client("lambda").update_function_configuration(FunctionName="tuned", Environment=environment)
    localstack.client("lambda").get_waiter("function_updated_v2").wait(FunctionName="tuned")
    assert localstack.invoke("tuned")["Result"] == "fast"


def test_a_published_version_keeps_its_code(localstack: Any, archive: Any) -> None:
    localstack.create_function("versioned", "def handler(event, context): return context.function_version")
    version = localstack.client("lambda").publish_version(FunctionName="versioned")["Version"]

    assert localstack.invoke("versioned", Qualifier=version)["Result"] == version
    assert localstack.invoke("versioned")["Result"] == "$LATEST"


def test_a_layers_python_folder_can_be_imported_from(localstack: Any, archive: Any) -> None:
    content = {"ZipFile": archive({"python/from_layer.py": "VALUE = 42"})}
    layer = localstack.client("lambda").publish_layer_version(LayerName="library", Content=content)
    code = "import from_layer\ndef handler(event, context): return from_layer.VALUE"
    localstack.create_function("layered", code, Layers=[layer["LayerVersionArn"]])

    assert localstack.invoke("layered")["Result"] == 42


def test_five_megabytes_pass_both_ways(localstack: Any, function: str) -> None:
    event = {"do": "count", "filler": "z" * 5_000_000}

    assert localstack.invoke(function, event)["Result"] == 5_000_000
    assert len(localstack.invoke(function, {"do": "answer", "length": 5_000_000})["Result"]) == 5_000_000


def test_an_event_above_six_megabytes_is_refused(localstack: Any, function: str) -> None:
    with pytest.raises(ClientError, match="RequestTooLargeException") as refused:
        localstack.invoke(function, {"filler": "z" * (6 * 1024 * 1024)})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_response_above_six_megabytes_is_an_error(localstack: Any, function: str) -> None:
    response = localstack.invoke(function, {"do": "answer", "length": 6 * 1024 * 1024 + 200})

    assert response["Result"]["errorType"] == "Function.ResponseSizeTooLarge"
    assert "FunctionError" not in localstack.invoke(function, {})


def test_another_runtime_than_python_fails_with_a_reason(localstack: Any, archive: Any) -> None:
    localstack.client("lambda").create_function(
        FunctionName="foreign",
        Runtime="nodejs22.x",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": archive({"app.js": ""})},
    )
    configuration = localstack.client("lambda").get_function_configuration(FunctionName="foreign")

    assert configuration["State"] == "Failed"
    assert "expected a Python runtime and a .zip archive, got the runtime nodejs22.x" in configuration["StateReason"]


def test_json_log_format_has_lambdas_events_as_json(localstack: Any) -> None:
    localstack.create_function("structured", CODE, LoggingConfig={"LogFormat": "JSON"})
    lines = tail(localstack.invoke("structured", {}, LogType="Tail")).splitlines()

    kinds = [json.loads(line)["type"] for line in lines if line.startswith("{")]
    assert kinds == ["platform.start", "platform.report"]


def test_records_of_a_stream_reach_the_function(localstack: Any, eventually: Any) -> None:
    kinesis, queues = localstack.client("kinesis"), localstack.client("sqs")
    kinesis.create_stream(StreamName="readings", ShardCount=1)
    queue = queues.create_queue(QueueName="received")["QueueUrl"]
    code = """
import base64, boto3, os
queues = boto3.client("sqs")
def handler(event, context):
    for record in event["Records"]:
        text = base64.b64decode(record["kinesis"]["data"]).decode()
        queues.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=text)
"""
    localstack.create_function("reader", code, Timeout=10, Environment={"Variables": {"QUEUE": queue}})
    arn = kinesis.describe_stream_summary(StreamName="readings")["StreamDescriptionSummary"]["StreamARN"]
    localstack.client("lambda").create_event_source_mapping(
        FunctionName="reader", EventSourceArn=arn, StartingPosition="TRIM_HORIZON"
    )
    kinesis.put_record(StreamName="readings", PartitionKey="any", Data=b"21.5 degrees")

    messages = eventually(lambda: queues.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    assert messages[0]["Body"] == "21.5 degrees"


def test_invocations_and_errors_are_counted_in_cloudwatch(localstack: Any, eventually: Any) -> None:
    localstack.create_function("counted", CODE)
    for event in ({}, {}, {"do": "raise"}):
        localstack.invoke("counted", event)
    cloudwatch = localstack.client("cloudwatch")

    def total(metric: str) -> float:
        now = time.time()
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": "counted"}],
            StartTime=now - 600,
            EndTime=now + 60,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    eventually(lambda: total("Invocations") == 3, timeout_s=20)
    assert total("Errors") == 1
    assert total("Duration") > 0


def test_a_function_that_prints_without_end_is_ended_by_its_time_out(localstack: Any) -> None:
    localstack.create_function("babbling", "def handler(event, context):\n    while True: print('la' * 500)", Timeout=1)

    assert localstack.invoke("babbling")["Result"]["errorType"] == "Sandbox.Timedout"


def test_a_function_that_closes_its_output_still_answers(localstack: Any) -> None:
    code = "import os\ndef handler(event, context):\n    os.close(1), os.close(2)\n    return 'silent'"
    localstack.create_function("mute", code)

    assert localstack.invoke("mute")["Result"] == "silent"
