"""AWS::ElastiCache::ReplicationGroup, ServerlessCache, SubnetGroup and ParameterGroup, over the ElastiCache API."""

from typing import Any

from botocore.exceptions import ClientError
from localstack.services.cloudformation.resource_provider import ProgressEvent, ResourceProvider, ResourceRequest

from localstack_dockerless.cloudformation.common import Model, default_name, merged, parameters, schema, success

# https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
REPLICATION_GROUP_NAME_LENGTH = 40
NAME_LENGTH = 255


class ReplicationGroupProvider(ResourceProvider[Model]):
    TYPE = "AWS::ElastiCache::ReplicationGroup"
    SCHEMA = schema(
        "ReplicationGroupId",
        create_only=(
            "ReplicationGroupId",
            "CacheSubnetGroupName",
            "Port",
            "AtRestEncryptionEnabled",
            "KmsKeyId",
            "NetworkType",
            "PrimaryClusterId",
            "DataTieringEnabled",
        ),
    )

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, client = request.desired_state, request.aws_client_factory.elasticache
        model.setdefault("ReplicationGroupId", default_name(request, REPLICATION_GROUP_NAME_LENGTH))
        model["ReplicationGroupId"] = model["ReplicationGroupId"].lower()
        group = client.create_replication_group(**parameters(client, "CreateReplicationGroup", model))[
            "ReplicationGroup"
        ]
        return success(model | _replication_group_attributes(group))

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, client = merged(request), request.aws_client_factory.elasticache
        client.modify_replication_group(**parameters(client, "ModifyReplicationGroup", model))
        return success(model)

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        name = request.desired_state["ReplicationGroupId"]
        request.aws_client_factory.elasticache.delete_replication_group(ReplicationGroupId=name)
        return success(request.desired_state)


class ServerlessCacheProvider(ResourceProvider[Model]):
    TYPE = "AWS::ElastiCache::ServerlessCache"
    SCHEMA = schema(
        "ServerlessCacheName", create_only=("ServerlessCacheName", "SubnetIds", "KmsKeyId", "SnapshotArnsToRestore")
    )

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, client = request.desired_state, request.aws_client_factory.elasticache
        model.setdefault("ServerlessCacheName", default_name(request, REPLICATION_GROUP_NAME_LENGTH))
        model["ServerlessCacheName"] = model["ServerlessCacheName"].lower()
        cache = client.create_serverless_cache(**parameters(client, "CreateServerlessCache", model))["ServerlessCache"]
        attributes = {name: cache[name] for name in ("ARN", "Status", "FullEngineVersion")}
        endpoints = {name: _endpoint(cache[name]) for name in ("Endpoint", "ReaderEndpoint")}
        return success(model | attributes | endpoints | {"CreateTime": cache["CreateTime"].isoformat()})

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, client = merged(request), request.aws_client_factory.elasticache
        client.modify_serverless_cache(**parameters(client, "ModifyServerlessCache", model))
        return success(model)

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        name = request.desired_state["ServerlessCacheName"]
        request.aws_client_factory.elasticache.delete_serverless_cache(ServerlessCacheName=name)
        return success(request.desired_state)


class SubnetGroupProvider(ResourceProvider[Model]):
    TYPE = "AWS::ElastiCache::SubnetGroup"
    SCHEMA = schema("CacheSubnetGroupName", create_only=("CacheSubnetGroupName",))

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model = request.desired_state
        model.setdefault("CacheSubnetGroupName", default_name(request, NAME_LENGTH))
        model["CacheSubnetGroupName"] = model["CacheSubnetGroupName"].lower()
        request.aws_client_factory.elasticache.create_cache_subnet_group(**_subnet_group_parameters(model))
        return success(model)

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model = merged(request)
        request.aws_client_factory.elasticache.modify_cache_subnet_group(**_subnet_group_parameters(model))
        return success(model)

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        name = request.desired_state["CacheSubnetGroupName"]
        request.aws_client_factory.elasticache.delete_cache_subnet_group(CacheSubnetGroupName=name)
        return success(request.desired_state)


class ParameterGroupProvider(ResourceProvider[Model]):
    TYPE = "AWS::ElastiCache::ParameterGroup"
    SCHEMA = schema("CacheParameterGroupName", create_only=("CacheParameterGroupFamily", "Description"))

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, client = request.desired_state, request.aws_client_factory.elasticache
        name = default_name(request, NAME_LENGTH).lower()
        model["CacheParameterGroupName"] = name
        client.create_cache_parameter_group(**parameters(client, "CreateCacheParameterGroup", model))
        try:
            _set_parameters(client, name, model.get("Properties") or {})
        except ClientError:
            client.delete_cache_parameter_group(CacheParameterGroupName=name)
            raise
        return success(model)

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, client = merged(request), request.aws_client_factory.elasticache
        wanted = request.desired_state.get("Properties") or {}
        _set_parameters(client, model["CacheParameterGroupName"], wanted)
        if gone := [name for name in (request.previous_state or {}).get("Properties") or {} if name not in wanted]:
            client.reset_cache_parameter_group(
                CacheParameterGroupName=model["CacheParameterGroupName"],
                ParameterNameValues=[{"ParameterName": name} for name in gone],
            )
        return success(model | {"Properties": wanted})

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        name = request.desired_state["CacheParameterGroupName"]
        request.aws_client_factory.elasticache.delete_cache_parameter_group(CacheParameterGroupName=name)
        return success(request.desired_state)


def _set_parameters(client: Any, group: str, values: Model) -> None:
    if values:
        # Templates may give numbers.
        pairs = [{"ParameterName": name, "ParameterValue": str(value)} for name, value in values.items()]
        client.modify_cache_parameter_group(CacheParameterGroupName=group, ParameterNameValues=pairs)


def _replication_group_attributes(group: dict[str, Any]) -> Model:
    """The attributes for Fn::GetAtt; CloudFormation's names differ from the API's, and its ports are strings."""
    if "ConfigurationEndpoint" in group:
        return {"ConfigurationEndPoint": _endpoint(group["ConfigurationEndpoint"])}
    primary = group["NodeGroups"][0]["PrimaryEndpoint"]
    reader = group["NodeGroups"][0]["ReaderEndpoint"]
    readers = {"Addresses": f"[{primary['Address']}]", "Ports": f"[{primary['Port']}]"}
    lists = {"Addresses.List": [primary["Address"]], "Ports.List": [str(primary["Port"])]}
    return {
        "PrimaryEndPoint": _endpoint(primary),
        "ReaderEndPoint": _endpoint(reader),
        "ReadEndPoint": readers | lists,
    }


def _endpoint(endpoint: dict[str, Any]) -> Model:
    return {"Address": endpoint["Address"], "Port": str(endpoint["Port"])}


def _subnet_group_parameters(model: Model) -> dict[str, Any]:
    return {
        "CacheSubnetGroupName": model["CacheSubnetGroupName"],
        "CacheSubnetGroupDescription": model["Description"],
        "SubnetIds": model["SubnetIds"],
    }
