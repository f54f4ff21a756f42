"""The ElastiCache API for replication groups, serverless caches, subnet groups and parameter groups, over moto."""

from collections.abc import Callable
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.moto import _proxy_moto
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider

from localstack_dockerless.elasticache import parameter_groups
from localstack_dockerless.elasticache.faults import fault
from localstack_dockerless.elasticache.parameters import CLUSTER_ENABLED
from localstack_dockerless.elasticache.server import CacheServer, CacheServerError
from localstack_dockerless.elasticache.store import (
    DEFAULT_VERSIONS,
    STORES,
    ParameterGroup,
    RegionStore,
    ReplicationGroup,
    ServerlessCache,
)

type Request = dict[str, Any]
type Response = dict[str, Any]
type Operation = Callable[[RequestContext, Request], Response]


class StopServers(ServiceLifecycleHook):
    def on_before_stop(self) -> None:
        STORES.stop_all()


@aws_provider(api="elasticache")  # type: ignore[untyped-decorator]
def elasticache() -> Service:
    service = load_service("elasticache")
    operations: dict[str, Any] = dict.fromkeys(service.operation_names, _proxy_moto)
    own: list[Callable[[RegionStore, RequestContext, Request], Response]] = [
        create_replication_group,
        describe_replication_groups,
        modify_replication_group,
        delete_replication_group,
        create_serverless_cache,
        describe_serverless_caches,
        modify_serverless_cache,
        delete_serverless_cache,
        create_cache_subnet_group,
        describe_cache_subnet_groups,
        modify_cache_subnet_group,
        delete_cache_subnet_group,
        parameter_groups.create_cache_parameter_group,
        parameter_groups.describe_cache_parameter_groups,
        parameter_groups.describe_cache_parameters,
        parameter_groups.modify_cache_parameter_group,
        parameter_groups.reset_cache_parameter_group,
        parameter_groups.delete_cache_parameter_group,
    ]
    for operation in own:
        name = "".join(word.capitalize() for word in operation.__name__.split("_"))
        operations[name] = _on_the_store(operation)
    return Service("elasticache", skeleton=Skeleton(service, operations), lifecycle_hook=StopServers())


def _on_the_store(operation: Callable[[RegionStore, RequestContext, Request], Response]) -> Operation:
    def handle(context: RequestContext, request: Request) -> Response:
        with STORES.lock:
            return operation(STORES.of(context.account_id, context.region), context, request or {})

    return handle


def create_replication_group(store: RegionStore, context: RequestContext, request: Request) -> Response:
    name = _new_name(request["ReplicationGroupId"], store.replication_groups, "ReplicationGroupAlreadyExistsFault")
    engine = _engine(request)
    version = str(request.get("EngineVersion") or DEFAULT_VERSIONS[engine])
    parameters = parameter_groups.group_for(store, request.get("CacheParameterGroupName"), engine, version)
    # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Replication.Redis-RedisCluster.html
    sharded = request.get("NumNodeGroups", 1) > 1 or len(request.get("NodeGroupConfiguration", [])) > 1
    by_parameters = ".cluster.on" in request.get("CacheParameterGroupName", "") or (
        parameters is not None and parameters.values.get(CLUSTER_ENABLED) == "yes"
    )
    server = _start_server(engine, clustered=sharded or by_parameters or request.get("ClusterMode") == "enabled")
    group = ReplicationGroup(name, _arn(context, "replicationgroup", name), engine, server, dict(request))
    _follow(group, parameters)
    store.replication_groups[name] = group
    return {"ReplicationGroup": group.describe()}


def describe_replication_groups(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    if wanted := request.get("ReplicationGroupId"):
        return {"ReplicationGroups": [_replication_group(store, wanted).describe()]}
    return {"ReplicationGroups": [group.describe() for group in store.replication_groups.values()]}


def modify_replication_group(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    group = _replication_group(store, request["ReplicationGroupId"])
    engine, changed = _engine({"Engine": group.engine} | request), group.request | request
    version = str(changed.get("EngineVersion") or DEFAULT_VERSIONS[engine])
    parameters = parameter_groups.group_for(store, changed.get("CacheParameterGroupName"), engine, version)
    group.engine, group.request = engine, changed
    if parameters is not group.parameter_group:
        _follow(group, parameters)
    return {"ReplicationGroup": group.describe()}


def delete_replication_group(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    group = _replication_group(store, request["ReplicationGroupId"])
    del store.replication_groups[group.name]
    group.server.stop()
    return {"ReplicationGroup": group.describe() | {"Status": "deleting"}}


def create_serverless_cache(store: RegionStore, context: RequestContext, request: Request) -> Response:
    name = _new_name(request["ServerlessCacheName"], store.serverless_caches, "ServerlessCacheAlreadyExistsFault")
    engine = _engine(request)
    parameters = dict(request) | {"EngineVersion": request.get("MajorEngineVersion")}
    # A serverless cache always speaks the cluster protocol, so keys of different slots cannot be used together.
    server = _start_server(engine, clustered=True)
    cache = ServerlessCache(name, _arn(context, "serverlesscache", name), engine, server, parameters)
    store.serverless_caches[name] = cache
    return {"ServerlessCache": cache.describe()}


def describe_serverless_caches(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    if wanted := request.get("ServerlessCacheName"):
        return {"ServerlessCaches": [_serverless_cache(store, wanted).describe()]}
    return {"ServerlessCaches": [cache.describe() for cache in store.serverless_caches.values()]}


def modify_serverless_cache(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    cache = _serverless_cache(store, request["ServerlessCacheName"])
    cache.engine = _engine({"Engine": cache.engine} | request)
    cache.request |= request
    return {"ServerlessCache": cache.describe()}


def delete_serverless_cache(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    cache = _serverless_cache(store, request["ServerlessCacheName"])
    del store.serverless_caches[cache.name]
    cache.server.stop()
    return {"ServerlessCache": cache.describe() | {"Status": "deleting"}}


def create_cache_subnet_group(store: RegionStore, context: RequestContext, request: Request) -> Response:
    name = _new_name(request["CacheSubnetGroupName"], store.subnet_groups, "CacheSubnetGroupAlreadyExists")
    store.subnet_groups[name] = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": request["CacheSubnetGroupDescription"],
        "Subnets": [{"SubnetIdentifier": subnet} for subnet in request["SubnetIds"]],
        "ARN": _arn(context, "subnetgroup", name),
    }
    return {"CacheSubnetGroup": store.subnet_groups[name]}


def describe_cache_subnet_groups(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    if wanted := request.get("CacheSubnetGroupName"):
        return {"CacheSubnetGroups": [_subnet_group(store, wanted)]}
    return {"CacheSubnetGroups": list(store.subnet_groups.values())}


def modify_cache_subnet_group(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    group = _subnet_group(store, request["CacheSubnetGroupName"])
    if "CacheSubnetGroupDescription" in request:
        group["CacheSubnetGroupDescription"] = request["CacheSubnetGroupDescription"]
    if "SubnetIds" in request:
        group["Subnets"] = [{"SubnetIdentifier": subnet} for subnet in request["SubnetIds"]]
    return {"CacheSubnetGroup": group}


def delete_cache_subnet_group(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    del store.subnet_groups[_subnet_group(store, request["CacheSubnetGroupName"])["CacheSubnetGroupName"]]
    return {}


def _engine(request: Request) -> str:
    engine = str(request.get("Engine") or "redis").lower()
    if engine not in DEFAULT_VERSIONS:
        raise fault("InvalidParameterValue", f"expected the engine redis or valkey, got {engine}")
    return engine


def _start_server(engine: str, *, clustered: bool) -> CacheServer:
    try:
        return CacheServer(engine, clustered=clustered)
    except CacheServerError as error:
        raise fault("InsufficientCacheClusterCapacity", str(error)) from error


def _follow(group: ReplicationGroup, parameters: ParameterGroup | None) -> None:
    group.parameter_group = parameters
    group.server.configure(parameters.values if parameters is not None else {})


def _new_name(name: str, taken: dict[str, Any], error_code: str) -> str:
    # ElastiCache stores names in lower case.
    name = name.lower()
    if name in taken:
        raise fault(error_code, f"{name} already exists")
    return name


def _replication_group(store: RegionStore, name: str) -> ReplicationGroup:
    if (group := store.replication_groups.get(name.lower())) is None:
        raise fault("ReplicationGroupNotFoundFault", f"ReplicationGroup {name} not found.", status_code=404)
    return group


def _serverless_cache(store: RegionStore, name: str) -> ServerlessCache:
    if (cache := store.serverless_caches.get(name.lower())) is None:
        raise fault("ServerlessCacheNotFoundFault", f"ServerlessCache {name} not found.", status_code=404)
    return cache


def _subnet_group(store: RegionStore, name: str) -> dict[str, Any]:
    if (group := store.subnet_groups.get(name.lower())) is None:
        raise fault("CacheSubnetGroupNotFoundFault", f"CacheSubnetGroup {name} not found.", status_code=404)
    return group


def _arn(context: RequestContext, kind: str, name: str) -> str:
    return f"arn:{context.partition}:elasticache:{context.region}:{context.account_id}:{kind}:{name}"
