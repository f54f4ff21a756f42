"""Caches of ElastiCache are Valkey servers on this machine."""

import os
import signal
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from botocore.exceptions import ClientError

GROUP = {
    "Type": "AWS::ElastiCache::ReplicationGroup",
    "Properties": {
        "ReplicationGroupDescription": "live state",
        "Engine": "valkey",
        "CacheNodeType": "cache.t4g.small",
        "NumCacheClusters": 1,
        "CacheSubnetGroupName": {"Ref": "Subnets"},
    },
}
SUBNETS = {
    "Type": "AWS::ElastiCache::SubnetGroup",
    "Properties": {"Description": "private", "SubnetIds": ["subnet-1", "subnet-2"]},
}
SERVERLESS = {
    "Type": "AWS::ElastiCache::ServerlessCache",
    "Properties": {"ServerlessCacheName": "elastic", "Engine": "valkey"},
}
URL = {"Fn::Sub": "redis://${Group.PrimaryEndPoint.Address}:${Group.PrimaryEndPoint.Port}/0"}
VALUES = {
    "Url": URL,
    "Name": {"Ref": "Group"},
    "ReaderPort": {"Fn::GetAtt": ["Group", "ReaderEndPoint.Port"]},
    "SubnetsName": {"Ref": "Subnets"},
    "Elastic": {"Fn::Sub": "redis://${Elastic.Endpoint.Address}:${Elastic.Endpoint.Port}"},
}


@pytest.fixture(scope="module")
def stack(localstack: Any) -> Iterator[Any]:
    resources = {"Subnets": SUBNETS, "Group": GROUP, "Elastic": SERVERLESS}
    yield localstack.create_stack("caches", resources, VALUES)
    localstack.client("cloudformation").delete_stack(StackName="caches")


@pytest.fixture
def cache(stack: Any, outputs: Any) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(outputs(stack)["Url"], decode_responses=True) as client:
        yield client


def test_a_replication_group_can_be_used_at_its_primary_endpoint(cache: Any, stack: Any, outputs: Any) -> None:
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert urlsplit(outputs(stack)["Url"]).hostname == "127.0.0.1"
    assert cache.set("greeting", "hello")
    assert cache.get("greeting") == "hello"


def test_the_reader_endpoint_is_the_same_server(stack: Any, outputs: Any) -> None:
    assert outputs(stack)["ReaderPort"] == str(urlsplit(outputs(stack)["Url"]).port)


def test_nothing_is_kept_on_disk(cache: Any) -> None:
    assert cache.config_get("save") == {"save": ""}
    assert cache.config_get("appendonly") == {"appendonly": "no"}


def test_it_listens_on_the_loopback_interface_only(cache: Any) -> None:
    assert cache.config_get("bind") == {"bind": "127.0.0.1"}


def test_a_server_that_dies_is_back_on_the_same_port_and_empty(cache: Any, eventually: Any) -> None:
    cache.set("lost", 1)
    process_id = cache.info("server")["process_id"]
    os.kill(process_id, signal.SIGKILL)

    def replaced() -> bool:
        try:
            return bool(cache.info("server")["process_id"] != process_id)
        except redis.ConnectionError:
            return False

    eventually(replaced, timeout_s=5)
    assert cache.get("lost") is None


def test_a_serverless_cache_speaks_the_cluster_protocol(stack: Any, outputs: Any) -> None:
    with redis.RedisCluster.from_url(outputs(stack)["Elastic"]) as cluster:
        assert cluster.set("{lagos}:a", 1)
        assert cluster.mget(["{lagos}:a", "{lagos}:b"]) == [b"1", None]


def test_a_serverless_cache_refuses_keys_of_different_slots(stack: Any, outputs: Any) -> None:
    with (
        redis.Redis.from_url(outputs(stack)["Elastic"]) as client,
        pytest.raises(redis.ResponseError, match="hash to the same slot"),
    ):
        client.mget("{lagos}:a", "{london}:a")


def test_the_api_describes_what_the_stack_created(localstack: Any, stack: Any, outputs: Any) -> None:
    elasticache, created = localstack.client("elasticache"), outputs(stack)
    group = elasticache.describe_replication_groups(ReplicationGroupId=created["Name"])["ReplicationGroups"][0]
    cache = elasticache.describe_serverless_caches(ServerlessCacheName="elastic")["ServerlessCaches"][0]
    subnets = elasticache.describe_cache_subnet_groups(CacheSubnetGroupName=created["SubnetsName"])

    assert group["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == urlsplit(created["Url"]).port
    assert (group["Status"], group["Engine"]) == ("available", "valkey")
    assert cache["Endpoint"]["Port"] == urlsplit(created["Elastic"]).port
    identifiers = [subnet["SubnetIdentifier"] for subnet in subnets["CacheSubnetGroups"][0]["Subnets"]]
    assert identifiers == ["subnet-1", "subnet-2"]


def test_an_update_keeps_the_cache_and_its_content(localstack: Any, cache: Any, stack: Any, outputs: Any) -> None:
    cache.set("kept", 1)
    changed = {**GROUP, "Properties": GROUP["Properties"] | {"ReplicationGroupDescription": "changed"}}  # type: ignore[operator]
    resources = {"Subnets": SUBNETS, "Group": changed, "Elastic": SERVERLESS}
    updated = localstack.update_stack("caches", resources, VALUES)

    assert outputs(updated) == outputs(stack)
    assert cache.get("kept") == "1"
    groups = localstack.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert groups[0]["Description"] == "changed"


def test_deleting_through_the_api_ends_the_server(localstack: Any) -> None:
    elasticache = localstack.client("elasticache")
    created = elasticache.create_replication_group(ReplicationGroupId="Brief", ReplicationGroupDescription="brief")
    endpoint = created["ReplicationGroup"]["NodeGroups"][0]["PrimaryEndpoint"]
    address = (endpoint["Address"], endpoint["Port"])
    socket.create_connection(address).close()

    elasticache.delete_replication_group(ReplicationGroupId="brief")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        elasticache.describe_replication_groups(ReplicationGroupId="brief")


def test_an_unknown_engine_is_refused_by_name(localstack: Any) -> None:
    with pytest.raises(ClientError, match="expected the engine redis or valkey, got memcached"):
        localstack.client("elasticache").create_replication_group(
            ReplicationGroupId="other", ReplicationGroupDescription="other", Engine="memcached"
        )
