"""From nothing, or from whatever already runs, to a stack that answers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import boto3

from fleetglow import aws, health, local_stack, package, page
from fleetglow.deploy import deploy
from fleetglow.deployment import LOCAL_PARAMETERS, Deployment, discover
from fleetglow.errors import DeployFailed, StartFailed
from fleetglow.instance import Instance
from fleetglow.interrupts import ended_as_by_ctrl_c, uninterrupted
from fleetglow.operated import told_in_a_line
from fleetglow.options import http_url
from fleetglow.progress import Progress
from fleetglow.template_parameters import checked

READY_S = 60.0


type Start = Callable[[], bool]
"""Starts the instance's LocalStack unless it runs; False if it did."""


def bring_up(
    instance: Instance,
    progress: Progress,
    start: Start,
    *,
    endpoint_url: str | None = None,
    parameters: list[str] | None = None,
) -> Deployment:
    """Start the instance's LocalStack, or take the one at `endpoint_url`; deploy to it; wait until the stack answers.

    `parameters` of the template are NAME=VALUE. Raises BadInput, StartFailed or DeployFailed.
    """
    chosen = LOCAL_PARAMETERS | checked(parameters or [])
    endpoint_url = http_url("--endpoint-url", endpoint_url) if endpoint_url is not None else None
    if endpoint_url is not None and not local_stack.healthy(endpoint_url):
        raise StartFailed(f"no LocalStack answers at {endpoint_url}")
    started = endpoint_url is None and start()
    wanted = package.fingerprint()
    with progress.step("sam build"):
        package.build(instance, wanted)
    if endpoint_url is None:
        with progress.step("LocalStack" if started else "LocalStack, which runs already"):
            local_stack.wait_until_healthy(instance)
    target = endpoint_url or instance.local_url
    with told_in_a_line(f"LocalStack at {target} did not take it"):
        with progress.step("upload"):
            template_url = package.upload(instance, target, wanted)
        with progress.step("deploy") as tell:
            changed = deploy(target, template_url, chosen, tell)
        instance.remember_endpoint(target)
        deployment = discover(instance)
        with progress.step("the map page"):
            page.publish(deployment)
        if changed:
            # Its schedule would start it only at the next full minute.
            lambdas = boto3.client("lambda", **aws.local(target))
            lambdas.invoke(FunctionName=deployment.outputs["BroadcastFunctionName"], InvocationType="Event")
    with progress.step("waiting until it answers"):
        _wait_until_ready(deployment)
    return deployment


@contextmanager
def answered_for(
    instance: Instance,
    progress: Progress,
    *,
    to_the_end: bool = False,
    start: Callable[[Instance], bool] = local_stack.start,
) -> Iterator[Start]:
    """A block that may start the instance's LocalStack; interrupted, it ends what it has started, and nothing else.

    SIGTERM and SIGHUP interrupt it like Ctrl-C. Where the block fails LocalStack runs on, for its logs and for another
    try, and it is said how to end it.

    Args:
        to_the_end: however the block ends, what it has started ends with it.
    """
    is_ours: bool | None = None
    is_done = is_interrupted = False

    def started() -> bool:
        nonlocal is_ours
        # Else it could run before it is known whose it is.
        with uninterrupted():
            is_ours = start(instance)
        return is_ours

    try:
        with ended_as_by_ctrl_c():
            yield started
        is_done = True
    except KeyboardInterrupt:
        is_interrupted = True
        raise
    finally:
        is_over = is_interrupted or to_the_end
        if is_ours and is_over:
            with uninterrupted(), progress.step("stopping what was started"):
                local_stack.stop(instance)
        elif is_ours is False and is_over and local_stack.is_running(instance):
            progress.say("LocalStack ran before and runs on: `fleetglow down` ends it")
        elif is_ours and not is_done and local_stack.is_running(instance):
            progress.say("LocalStack runs on: `fleetglow up` tries again, `fleetglow down` ends it")


def _wait_until_ready(deployment: Deployment) -> None:
    deadline = time.monotonic() + READY_S
    while (reason := health.reason_not_answering(deployment)) is not None:
        if time.monotonic() > deadline:
            raise DeployFailed(
                f"the stack is deployed, but does not answer: {reason}; `fleetglow status` says it of each part, "
                "`fleetglow logs` with a function's name, as authorize, why"
            )
        time.sleep(0.2)
