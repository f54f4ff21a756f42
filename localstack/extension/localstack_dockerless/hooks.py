"""What happens when LocalStack starts and stops."""

from pathlib import Path

from localstack.runtime import hooks

from localstack import config
from localstack_dockerless import lifecycle, rest_authorizers
from localstack_dockerless.lambda_process.metrics import AGGREGATOR
from localstack_dockerless.patches import applying


def process_folders() -> Path:
    """The cache folder outlives a LocalStack (its temporary folder does not), so that the next one can sweep."""
    return Path(config.dirs.cache) / "dockerless" / "processes"


@hooks.on_infra_start(priority=1000)  # type: ignore[untyped-decorator]
def dockerless_start() -> None:
    lifecycle.start_warden(process_folders())
    applying.apply_all()
    rest_authorizers.install()
    AGGREGATOR.start()


@hooks.on_infra_shutdown()  # type: ignore[untyped-decorator]
def dockerless_shutdown() -> None:
    AGGREGATOR.stop()
