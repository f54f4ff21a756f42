"""Where LocalStack meets the WebSocket APIs: the service, and the start and the end of the gateway."""

from functools import partial

from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.plugins import Service, aws_provider

from localstack import config
from localstack_dockerless.invocations import InvocationServer
from localstack_dockerless.patches import applying
from localstack_dockerless.websocket.settings import Settings
from localstack_dockerless.websocket.supervisor import GatewayProcess, GatewayStartError

GATEWAY = GatewayProcess()
INVOCATIONS = InvocationServer()


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def websocket_start() -> None:
    lambda_url = f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}"
    if applying.fits():
        INVOCATIONS.start()
        lambda_url = INVOCATIONS.url
    try:
        GATEWAY.start(Settings.from_env(), lambda_url)
    except (GatewayStartError, ValueError) as error:
        # The start command has looked at both; this is for those who start LocalStack in another way.
        raise LocalstackExit(f"{error}\n", 1) from error


@hooks.on_infra_shutdown()  # type: ignore[untyped-decorator]
def websocket_shutdown() -> None:
    GATEWAY.stop()
    INVOCATIONS.close()


@aws_provider()  # type: ignore[untyped-decorator]
def apigatewayv2() -> Service:
    # Imported here because moto takes a while, and most starts need it later or never.
    from localstack_dockerless.websocket.control_plane import ControlPlane  # noqa: PLC0415

    control_plane = ControlPlane(GATEWAY.endpoint_of, GATEWAY.publish)
    GATEWAY.take_stages_from(partial(control_plane.stages, Settings.from_env().integration_timeout_s))
    return Service("apigatewayv2", skeleton=Skeleton(load_service("apigatewayv2"), control_plane.dispatch_table()))
