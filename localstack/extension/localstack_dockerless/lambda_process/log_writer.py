"""What functions print, on its way to CloudWatch Logs, without a request to LocalStack for each invocation."""

import logging
import time
from typing import Any

from localstack.aws.connect import connect_to
from localstack.services.lambda_.invocation.logs import LogHandler, LogItem
from localstack.services.logs.models import get_moto_logs_backend
from localstack.services.plugins import SERVICE_PLUGINS

LOG = logging.getLogger(__name__)


def write_logs(handler: LogHandler, *_args: Any) -> None:
    """Write what comes in the handler's queue, until it is shut down; in the account of the function's role."""
    account_id = handler.role_arn.split(":")[4]
    while isinstance(item := handler.log_queue.get(), LogItem):  # and not the sign that it is shut down
        try:
            _write(item, account_id, handler.region)
        except Exception as error:  # noqa: BLE001 - the log of one invocation must not end those of all others
            LOG.warning("The log of %s was not written: %s", item.log_group, error)


def _write(item: LogItem, account_id: str, region: str) -> None:
    # The service brings what LocalStack has changed in moto's: subscriptions.
    SERVICE_PLUGINS.require("logs")
    backend = get_moto_logs_backend(account_id, region)
    backend.ensure_log_group(item.log_group)
    backend.ensure_log_stream(item.log_group, item.log_stream)
    now_ms = int(time.time() * 1000)
    # The newlines stay; empty lines are no events.
    events = [{"timestamp": now_ms, "message": f"{line}\n"} for line in item.logs.split("\n") if line]
    if backend.filters.metric_filters:
        # Which count what the events say; only LocalStack's own operation does that.
        client = connect_to(aws_access_key_id=account_id, region_name=region).logs
        client.put_log_events(logGroupName=item.log_group, logStreamName=item.log_stream, logEvents=events)
    else:
        backend.put_log_events(item.log_group, item.log_stream, events)
