"""Parameter groups of ElastiCache set parameters of the servers."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from botocore.exceptions import ClientError

PARAMETERS = {"maxmemory-policy": "allkeys-lfu", "timeout": 300, "reserved-memory-percent": "10"}
URL = {"Fn::Sub": "redis://${Group.PrimaryEndPoint.Address}:${Group.PrimaryEndPoint.Port}/0"}
VALUES = {"Url": URL, "Name": {"Ref": "Parameters"}}


def resources(parameters: dict[str, Any], family: str = "valkey8") -> dict[str, Any]:
    """A template's, with a cache that follows these parameters."""
    return {
        "Parameters": {
            "Type": "AWS::ElastiCache::ParameterGroup",
            "Properties": {"CacheParameterGroupFamily": family, "Description": "tuned", "Properties": parameters},
        },
        "Group": {
            "Type": "AWS::ElastiCache::ReplicationGroup",
            "Properties": {
                "ReplicationGroupDescription": "tuned",
                "Engine": "valkey",
                "EngineVersion": "8.0",
                "CacheParameterGroupName": {"Ref": "Parameters"},
            },
        },
    }


@pytest.fixture
def stack(localstack: Any) -> Iterator[Any]:
    yield localstack.create_stack("tuned", resources(PARAMETERS), VALUES)
    cloudformation = localstack.client("cloudformation")
    cloudformation.delete_stack(StackName="tuned")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="tuned", WaiterConfig={"Delay": 0.2, "MaxAttempts": 600}
    )


@pytest.fixture
def cache(stack: Any, outputs: Any) -> Iterator["redis.Redis"]:
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    with redis.Redis.from_url(outputs(stack)["Url"], decode_responses=True) as client:
        yield client


class Groups:
    """The API, with groups and caches that are deleted in the end."""

    def __init__(self, localstack: Any) -> None:
        self.api = localstack.client("elasticache")

    def create(self, name: str, family: str = "valkey8", **values: str) -> None:
        self.api.create_cache_parameter_group(
            CacheParameterGroupName=name, CacheParameterGroupFamily=family, Description=name
        )
        if values:
            self.set(name, **values)

    def set(self, name: str, **values: str) -> None:
        """Underscores stand for dashes."""
        pairs = [{"ParameterName": key.replace("_", "-"), "ParameterValue": value} for key, value in values.items()]
        self.api.modify_cache_parameter_group(CacheParameterGroupName=name, ParameterNameValues=pairs)

    def reset(self, name: str, **what: Any) -> None:
        self.api.reset_cache_parameter_group(CacheParameterGroupName=name, **what)

    def start_cache(self, name: str, group: str, **options: Any) -> "redis.Redis":
        created = self.api.create_replication_group(
            ReplicationGroupId=name, ReplicationGroupDescription=name, CacheParameterGroupName=group, **options
        )["ReplicationGroup"]
        endpoint = created.get("ConfigurationEndpoint") or created["NodeGroups"][0]["PrimaryEndpoint"]
        return redis.Redis(host=endpoint["Address"], port=endpoint["Port"], decode_responses=True)

    def set_by_user(self, name: str) -> dict[str, str]:
        answer = self.api.describe_cache_parameters(CacheParameterGroupName=name, Source="user")
        return {each["ParameterName"]: each["ParameterValue"] for each in answer["Parameters"]}

    def clean_up(self) -> None:
        for cache in self.api.describe_replication_groups()["ReplicationGroups"]:
            if cache["Description"].startswith("api-"):
                self.api.delete_replication_group(ReplicationGroupId=cache["ReplicationGroupId"])
        for group in self.api.describe_cache_parameter_groups()["CacheParameterGroups"]:
            if group["Description"].startswith("api-"):
                self.api.delete_cache_parameter_group(CacheParameterGroupName=group["CacheParameterGroupName"])


@pytest.fixture
def groups(localstack: Any) -> Iterator[Groups]:
    created = Groups(localstack)
    yield created
    created.clean_up()


def test_a_cache_of_a_stack_has_the_parameters_of_its_group(cache: Any) -> None:
    assert cache.config_get("maxmemory-policy", "timeout") == {"maxmemory-policy": "allkeys-lfu", "timeout": "300"}


def test_an_update_of_the_stack_reaches_the_running_cache(localstack: Any, cache: Any) -> None:
    cache.set("kept", 1)
    changed = {"maxmemory-policy": "volatile-ttl", "slowlog-max-len": 7}
    updated = localstack.update_stack("tuned", resources(changed), VALUES)

    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    expected = {"maxmemory-policy": "volatile-ttl", "slowlog-max-len": "7", "timeout": "0"}
    assert cache.config_get(*expected) == expected
    assert cache.get("kept") == "1"


def test_a_cache_that_died_has_its_parameters_again(cache: Any, eventually: Any) -> None:
    process_id = cache.info("server")["process_id"]
    os.kill(process_id, signal.SIGKILL)

    def replaced() -> bool:
        try:
            return bool(cache.info("server")["process_id"] != process_id)
        except redis.ConnectionError:
            return False

    eventually(replaced, timeout_s=5)
    eventually(lambda: cache.config_get("timeout") == {"timeout": "300"}, timeout_s=5)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"maxmemory-percent": "50"}, "there is no parameter maxmemory-percent, or it cannot be modified"),
        ({"maxmemory": "1000000"}, "there is no parameter maxmemory, or it cannot be modified"),
        ({"maxmemory-policy": "newest"}, "maxmemory-policy: expected volatile-lru,volatile-lfu,"),
        ({"timeout": "soon"}, "timeout: expected 0-2147483647, got soon"),
    ],
)
def test_a_stack_with_a_parameter_that_cannot_be_fails_and_leaves_no_group(
    localstack: Any, parameters: dict[str, str], reason: str
) -> None:
    stack = localstack.create_stack("mistuned", resources(parameters))
    groups = localstack.client("elasticache").describe_cache_parameter_groups()["CacheParameterGroups"]
    events = localstack.client("cloudformation").describe_stack_events(StackName="mistuned")["StackEvents"]
    localstack.client("cloudformation").delete_stack(StackName="mistuned")

    assert stack["StackStatus"] in {"CREATE_FAILED", "ROLLBACK_COMPLETE"}
    assert any(reason in event.get("ResourceStatusReason", "") for event in events)
    assert [group for group in groups if "mistuned" in group["CacheParameterGroupName"]] == []


def test_a_change_of_a_group_reaches_its_caches_and_no_others(groups: Groups) -> None:
    groups.create("api-tuned", timeout="60")
    groups.create("api-other", timeout="70")
    with groups.start_cache("api-a", "api-tuned", Engine="valkey") as tuned:
        with groups.start_cache("api-b", "api-other", Engine="valkey") as other:
            groups.set("api-tuned", timeout="90", slowlog_max_len="5")
            assert tuned.config_get("timeout", "slowlog-max-len") == {"timeout": "90", "slowlog-max-len": "5"}
            assert other.config_get("timeout") == {"timeout": "70"}

        assert groups.set_by_user("api-tuned") == {"timeout": "90", "slowlog-max-len": "5"}
        groups.reset("api-tuned", ParameterNameValues=[{"ParameterName": "timeout"}])
        assert tuned.config_get("timeout", "slowlog-max-len") == {"timeout": "0", "slowlog-max-len": "5"}
        groups.reset("api-tuned", ResetAllParameters=True)
        assert tuned.config_get("slowlog-max-len") == {"slowlog-max-len": "128"}
    assert groups.set_by_user("api-tuned") == {}


def test_a_cache_can_take_another_group(groups: Groups) -> None:
    groups.create("api-first", timeout="60")
    groups.create("api-second", slowlog_max_len="5")
    with groups.start_cache("api-c", "api-first", Engine="valkey") as cache:
        groups.api.modify_replication_group(ReplicationGroupId="api-c", CacheParameterGroupName="api-second")
        assert cache.config_get("timeout", "slowlog-max-len") == {"timeout": "0", "slowlog-max-len": "5"}
    groups.api.delete_cache_parameter_group(CacheParameterGroupName="api-first")


def test_what_only_elasticache_can_do_is_accepted_and_left_alone(groups: Groups) -> None:
    # The first it does not know, the second it cannot change while it runs, the third takes another allocator.
    unable = {"close_on_slave_write": "no", "databases": "4", "activedefrag": "yes"}
    groups.create("api-unable", timeout="60", **unable)
    with groups.start_cache("api-d", "api-unable", Engine="valkey") as cache:
        assert cache.config_get("timeout", "databases") == {"timeout": "60", "databases": "16"}
    assert groups.set_by_user("api-unable")["databases"] == "4"


def test_a_group_can_make_a_cache_a_cluster(groups: Groups) -> None:
    groups.create("api-clustered", family="redis7", cluster_enabled="yes")
    with groups.start_cache("api-e", "api-clustered", Engine="redis", EngineVersion="7.1") as cache:
        assert cache.info("cluster") == {"cluster_enabled": 1}


def test_a_group_of_another_family_is_refused(groups: Groups) -> None:
    groups.create("api-old", family="redis6.x")
    expected = "Expected a parameter group of family valkey8 but found one of family redis6.x"
    with pytest.raises(ClientError, match=expected):
        groups.start_cache("api-f", "api-old", Engine="valkey", EngineVersion="8.0")


def test_groups_of_elasticache_itself_need_not_be_created(groups: Groups) -> None:
    with groups.start_cache("api-g", "default.valkey8", Engine="valkey") as cache:
        assert cache.ping()


def test_a_group_that_is_used_cannot_be_deleted(groups: Groups) -> None:
    groups.create("api-used")
    with (
        groups.start_cache("api-h", "api-used", Engine="valkey"),
        pytest.raises(ClientError, match="api-used is still used by api-h"),
    ):
        groups.api.delete_cache_parameter_group(CacheParameterGroupName="api-used")


def test_names_and_families_that_cannot_be_are_refused(groups: Groups) -> None:
    groups.create("api-taken")
    with pytest.raises(ClientError, match="CacheParameterGroupAlreadyExists"):
        groups.create("API-taken")
    with pytest.raises(ClientError, match="there is no family memcached"):
        groups.create("api-memcached", family="memcached1.6")
    with pytest.raises(ClientError, match="CacheParameterGroupNotFound"):
        groups.set("api-unknown", timeout="1")
    with pytest.raises(ClientError, match="CacheParameterGroupNotFound"):
        groups.start_cache("api-i", "api-unknown", Engine="valkey")
