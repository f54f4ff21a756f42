"""What is still on its way, or has been given up."""

import boto3

from fleetglow import aws
from fleetglow.deployment import Deployment
from soak.truth import eventually

QUEUES = {"deliveries": "DeliveriesQueueUrl", "gone": "GoneQueueUrl", "failures": "FailureQueueUrl"}
# Longer than a message is hidden from others while a function that was killed is thought to be at work on it.
EMPTY_S = 90.0


class Queues:
    """The stack's queues."""

    def __init__(self, deployment: Deployment) -> None:
        self._sqs = boto3.client("sqs", **aws.local(deployment.endpoint_url))
        self._urls = {name: deployment.outputs[output] for name, output in QUEUES.items()}

    def depths(self) -> dict[str, int]:
        """Messages in each, also those that somebody is at work on."""
        counted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        depths = {}
        for name, url in self._urls.items():
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counted)  # type: ignore[arg-type]
            depths[name] = sum(int(value) for value in answer["Attributes"].values())
        return depths

    async def left(self) -> dict[str, int]:
        """What is in them once they have had time to run empty; nothing, if all is well."""
        try:
            await eventually("empty queues", lambda: not any(self.depths().values()), EMPTY_S)
        except TimeoutError:
            return {name: depth for name, depth in self.depths().items() if depth}
        return {}
