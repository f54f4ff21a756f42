"""What every kind of test needs: the environment that the template gives to functions."""

import os

# Powertools and boto3 look at these when they are imported.
os.environ.update(
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    LOG_LEVEL="WARNING",
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="Fleetglow",
    POWERTOOLS_METRICS_DISABLED="true",
    PRECISIONS="5,6,7",
    TICK_SECONDS="3",
    DRIVER_TTL_SECONDS="30",
    HEARTBEAT_SECONDS="15",
)
