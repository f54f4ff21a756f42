"""AWS::CloudWatch::Dashboard and AWS::Logs::MetricFilter, over the CloudWatch and CloudWatch Logs APIs."""

from typing import Any

from localstack.services.cloudformation.resource_provider import ProgressEvent, ResourceProvider, ResourceRequest

from localstack_dockerless.cloudformation.common import Model, default_name, merged, schema, success

NAME_LENGTH = 255


class DashboardProvider(ResourceProvider[Model]):
    TYPE = "AWS::CloudWatch::Dashboard"
    SCHEMA = schema("DashboardName", create_only=("DashboardName",))

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model = request.desired_state
        model.setdefault("DashboardName", default_name(request, NAME_LENGTH))
        return self._put(request, model)

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        return self._put(request, merged(request))

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        name = request.desired_state["DashboardName"]
        request.aws_client_factory.cloudwatch.delete_dashboards(DashboardNames=[name])
        return success(request.desired_state)

    def _put(self, request: ResourceRequest[Model], model: Model) -> ProgressEvent[Model]:
        request.aws_client_factory.cloudwatch.put_dashboard(
            DashboardName=model["DashboardName"], DashboardBody=model["DashboardBody"]
        )
        return success(model)


class MetricFilterProvider(ResourceProvider[Model]):
    TYPE = "AWS::Logs::MetricFilter"
    SCHEMA = schema("FilterName", create_only=("FilterName", "LogGroupName"))

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model = request.desired_state
        model.setdefault("FilterName", default_name(request, NAME_LENGTH))
        return self._put(request, model)

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        return self._put(request, merged(request))

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model = request.desired_state
        request.aws_client_factory.logs.delete_metric_filter(
            logGroupName=model["LogGroupName"], filterName=model["FilterName"]
        )
        return success(model)

    def _put(self, request: ResourceRequest[Model], model: Model) -> ProgressEvent[Model]:
        request.aws_client_factory.logs.put_metric_filter(
            logGroupName=model["LogGroupName"],
            filterName=model["FilterName"],
            filterPattern=model["FilterPattern"],
            metricTransformations=[_transformation(each) for each in model["MetricTransformations"]],
        )
        return success(model)


def _transformation(transformation: dict[str, Any]) -> dict[str, Any]:
    """From CloudFormation's names to the API's, and its numbers, which arrive as strings, to numbers."""
    converted = {name[0].lower() + name[1:]: value for name, value in transformation.items()}
    if "defaultValue" in converted:
        converted["defaultValue"] = float(converted["defaultValue"])
    if "dimensions" in converted:
        converted["dimensions"] = {each["Key"]: each["Value"] for each in converted["dimensions"]}
    return converted
