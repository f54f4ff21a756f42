"""The caches of all accounts and regions, and what the ElastiCache API says of them."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localstack_dockerless.elasticache.server import HOST, CacheServer

# What DescribeReplicationGroups and the like report unless the request named a version.
DEFAULT_VERSIONS = {"redis": "7.1", "valkey": "8.1"}


@dataclass
class Cache:
    """`request`: the parameters it was created with, as in the API, changed by the modifications since."""

    name: str
    arn: str
    engine: str
    server: CacheServer
    request: dict[str, Any]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def endpoint(self) -> dict[str, Any]:
        return {"Address": HOST, "Port": self.server.port}

    @property
    def version(self) -> str:
        return str(self.request.get("EngineVersion") or DEFAULT_VERSIONS[self.engine])


@dataclass
class ParameterGroup:
    """`values`: the parameters that it sets, by name."""

    name: str
    family: str
    description: str
    arn: str
    values: dict[str, str] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        return {
            "CacheParameterGroupName": self.name,
            "CacheParameterGroupFamily": self.family,
            "Description": self.description,
            "IsGlobal": False,
            "ARN": self.arn,
        }


@dataclass
class ReplicationGroup(Cache):
    parameter_group: ParameterGroup | None = None

    def describe(self) -> dict[str, Any]:
        request = self.request
        # Locally there is one node, whatever the request says: so one node group, and no failover.
        group: dict[str, Any] = {"NodeGroupId": "0001", "Status": "available"}
        if not self.server.clustered:
            group |= {"PrimaryEndpoint": self.endpoint, "ReaderEndpoint": self.endpoint}
        member = f"{self.name}-001"
        group["NodeGroupMembers"] = [
            {"CacheClusterId": member, "CacheNodeId": "0001", "ReadEndpoint": self.endpoint, "CurrentRole": "primary"}
        ]
        return {
            "ReplicationGroupId": self.name,
            "ARN": self.arn,
            "Description": request.get("ReplicationGroupDescription", ""),
            "Status": "available",
            "Engine": self.engine,
            "MemberClusters": [member],
            "NodeGroups": [group],
            "ClusterEnabled": self.server.clustered,
            "ClusterMode": "enabled" if self.server.clustered else "disabled",
            "CacheNodeType": request.get("CacheNodeType", "cache.t4g.micro"),
            "AutomaticFailover": "disabled",
            "MultiAZ": "disabled",
            "SnapshotRetentionLimit": 0,
            "AuthTokenEnabled": False,
            "TransitEncryptionEnabled": False,
            "AtRestEncryptionEnabled": False,
            "ReplicationGroupCreateTime": self.created,
            **({"ConfigurationEndpoint": self.endpoint} if self.server.clustered else {}),
        }


class ServerlessCache(Cache):
    def describe(self) -> dict[str, Any]:
        request = self.request
        optional = ("CacheUsageLimits", "SecurityGroupIds", "SubnetIds", "UserGroupId", "KmsKeyId", "DailySnapshotTime")
        return {
            "ServerlessCacheName": self.name,
            "ARN": self.arn,
            "Description": request.get("Description", ""),
            "Status": "available",
            "Engine": self.engine,
            "MajorEngineVersion": self.version.split(".")[0],
            "FullEngineVersion": self.version,
            "CreateTime": self.created,
            "Endpoint": self.endpoint,
            "ReaderEndpoint": self.endpoint,
            **{name: request[name] for name in optional if name in request},
        }


@dataclass
class RegionStore:
    """Each dictionary is keyed by name."""

    replication_groups: dict[str, ReplicationGroup] = field(default_factory=dict)
    serverless_caches: dict[str, ServerlessCache] = field(default_factory=dict)
    subnet_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameter_groups: dict[str, ParameterGroup] = field(default_factory=dict)


class Stores:
    """Thread-safe; the lock is held while a server starts, so that two creations of one name do not cross."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._regions: defaultdict[tuple[str, str], RegionStore] = defaultdict(RegionStore)

    def of(self, account_id: str, region: str) -> RegionStore:
        return self._regions[account_id, region]

    def stop_all(self) -> None:
        with self.lock:
            for region in self._regions.values():
                for cache in (*region.replication_groups.values(), *region.serverless_caches.values()):
                    cache.server.stop()
            self._regions.clear()


STORES = Stores()
