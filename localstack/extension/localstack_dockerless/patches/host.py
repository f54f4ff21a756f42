"""What LocalStack is to this machine: its helper processes, folders, listeners and calls to the outside."""

import functools
import logging
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

LOG = logging.getLogger(__name__)
KINESIS_MOCK_VERSION = "0.5.2"


def know_kinesis_mock() -> None:
    """`kinesis_retention.cjs` is the patch of kinesis-mock; a user can have LocalStack take another version of that."""
    from localstack.services.kinesis.packages import _KINESIS_MOCK_VERSION  # noqa: PLC0415

    if _KINESIS_MOCK_VERSION != KINESIS_MOCK_VERSION:
        LOG.warning(
            "localstack-dockerless is written for kinesis-mock %s, this is %s: streams keep all records",
            KINESIS_MOCK_VERSION,
            _KINESIS_MOCK_VERSION,
        )


def keep_the_catalog_offline() -> None:
    """At the first stack, and at a call of an unknown operation, LocalStack would ask its maker's server which services
    exist; without an account it learns nothing, and without a network it waits.
    """
    from localstack.utils.catalog.catalog_loader import AwsCatalogLoaderException, RemoteCatalogLoader  # noqa: PLC0415

    def refuse(_self: RemoteCatalogLoader) -> Any:
        raise AwsCatalogLoaderException("the remote catalog is not used")

    RemoteCatalogLoader.get_remote_catalog = refuse  # type: ignore[method-assign,assignment]


def tether_helper_processes() -> None:
    """LocalStack starts kinesis-mock and the like in sessions of their own, so they stay behind when it is killed."""
    from localstack.utils import run as run_module  # noqa: PLC0415

    from localstack_dockerless import lifecycle  # noqa: PLC0415

    run = run_module.run

    @functools.wraps(run)
    def run_and_tether(*args: Any, **kwargs: Any) -> Any:
        result = run(*args, **kwargs)
        if isinstance(result, subprocess.Popen):
            lifecycle.adopt(result.pid)
        return result

    # ShellCommandThread, which runs every helper server, looks the function up in its module.
    run_module.run = run_and_tether


def keep_objects_in_the_data_folder() -> None:
    """LocalStack keeps S3 objects in one folder of the machine's, for every instance and user alike."""
    from localstack.services.s3 import provider  # noqa: PLC0415

    from localstack import config  # noqa: PLC0415

    provider.DEFAULT_S3_TMP_DIR = str(Path(config.dirs.tmp) / "s3-storage")


def listen_only_where_told() -> None:
    """LocalStack passes over the IPv4 host of GATEWAY_LISTEN and listens on every interface."""
    from localstack.runtime.server import twisted as server  # noqa: PLC0415

    endpoints = server.endpoints  # type: ignore[attr-defined]
    register = server.TwistedRuntimeServer.register

    @functools.wraps(register)
    def register_on_hosts(self: Any, gateway: Any, listen: Any, ssl_creds: Any = None) -> None:
        hosts = {each.port: each.host for each in listen}

        def on_host(reactor: Any, port: int) -> Any:
            return endpoints.TCP4ServerEndpoint(reactor, port, interface=hosts[port])

        server.endpoints = SimpleNamespace(  # type: ignore[assignment,attr-defined]
            TCP4ServerEndpoint=on_host, TCP6ServerEndpoint=endpoints.TCP6ServerEndpoint
        )
        register(self, gateway, listen, ssl_creds)

    server.TwistedRuntimeServer.register = register_on_hosts  # type: ignore[method-assign]
