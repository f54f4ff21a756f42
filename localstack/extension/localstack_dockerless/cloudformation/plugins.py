"""How LocalStack finds the resource providers of this package: one plugin per CloudFormation type."""

from typing import Any

from localstack.services.cloudformation.resource_provider import CloudFormationResourceProviderPlugin, ResourceProvider


class ProviderPlugin(CloudFormationResourceProviderPlugin):
    """Base of a plugin; a subclass names the type and imports its provider in `provider`."""

    def __init__(self) -> None:
        self.factory: type[ResourceProvider[Any]] | None = None

    def load(self, *_args: Any, **_kwargs: Any) -> None:
        self.factory = self.provider()

    def provider(self) -> type[ResourceProvider[Any]]:
        raise NotImplementedError


class ReplicationGroupPlugin(ProviderPlugin):
    name = "AWS::ElastiCache::ReplicationGroup"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.elasticache import ReplicationGroupProvider  # noqa: PLC0415

        return ReplicationGroupProvider


class ServerlessCachePlugin(ProviderPlugin):
    name = "AWS::ElastiCache::ServerlessCache"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.elasticache import ServerlessCacheProvider  # noqa: PLC0415

        return ServerlessCacheProvider


class SubnetGroupPlugin(ProviderPlugin):
    name = "AWS::ElastiCache::SubnetGroup"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.elasticache import SubnetGroupProvider  # noqa: PLC0415

        return SubnetGroupProvider


class ParameterGroupPlugin(ProviderPlugin):
    name = "AWS::ElastiCache::ParameterGroup"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.elasticache import ParameterGroupProvider  # noqa: PLC0415

        return ParameterGroupProvider


class SecurityGroupIngressPlugin(ProviderPlugin):
    name = "AWS::EC2::SecurityGroupIngress"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.network import SecurityGroupIngressProvider  # noqa: PLC0415

        return SecurityGroupIngressProvider


class SecurityGroupEgressPlugin(ProviderPlugin):
    name = "AWS::EC2::SecurityGroupEgress"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.network import SecurityGroupEgressProvider  # noqa: PLC0415

        return SecurityGroupEgressProvider


class DashboardPlugin(ProviderPlugin):
    name = "AWS::CloudWatch::Dashboard"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.cloudwatch import DashboardProvider  # noqa: PLC0415

        return DashboardProvider


class MetricFilterPlugin(ProviderPlugin):
    name = "AWS::Logs::MetricFilter"

    def provider(self) -> type[ResourceProvider[Any]]:
        from localstack_dockerless.cloudformation.cloudwatch import MetricFilterProvider  # noqa: PLC0415

        return MetricFilterProvider
