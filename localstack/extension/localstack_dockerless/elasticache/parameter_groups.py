"""The ElastiCache API for parameter groups, which caches follow as they are changed."""

from typing import Any

from localstack.aws.api import RequestContext

from localstack_dockerless.elasticache.faults import fault
from localstack_dockerless.elasticache.parameters import FAMILY, PARAMETERS, checked_value, family_of
from localstack_dockerless.elasticache.store import ParameterGroup, RegionStore

type Request = dict[str, Any]
type Response = dict[str, Any]

# Those that ElastiCache itself keeps; they set nothing.
DEFAULT_PREFIX = "default."


def create_cache_parameter_group(store: RegionStore, context: RequestContext, request: Request) -> Response:
    name, family = request["CacheParameterGroupName"].lower(), request["CacheParameterGroupFamily"]
    if name in store.parameter_groups or name.startswith(DEFAULT_PREFIX):
        raise fault("CacheParameterGroupAlreadyExists", f"{name} already exists")
    if not FAMILY.fullmatch(family):
        raise fault("InvalidParameterValue", f"CacheParameterGroupFamily: there is no family {family}")
    arn = f"arn:{context.partition}:elasticache:{context.region}:{context.account_id}:parametergroup:{name}"
    group = ParameterGroup(name, family, request["Description"], arn)
    store.parameter_groups[name] = group
    return {"CacheParameterGroup": group.describe()}


def describe_cache_parameter_groups(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    if wanted := request.get("CacheParameterGroupName"):
        return {"CacheParameterGroups": [_group(store, wanted).describe()]}
    return {"CacheParameterGroups": [group.describe() for group in store.parameter_groups.values()]}


def describe_cache_parameters(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    """Of a parameter that the group does not set no value is told."""
    group = _group(store, request["CacheParameterGroupName"])
    parameters = [
        {
            "ParameterName": name,
            "Source": "user" if name in group.values else "system",
            "DataType": kind.data_type,
            "AllowedValues": kind.allowed,
            "IsModifiable": True,
            **({"ParameterValue": group.values[name]} if name in group.values else {}),
        }
        for name, kind in sorted(PARAMETERS.items())
    ]
    wanted = request.get("Source") or ""
    return {"Parameters": [each for each in parameters if wanted in {"", each["Source"]}]}


def modify_cache_parameter_group(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    group = _group(store, request["CacheParameterGroupName"])
    values = dict(group.values)
    for each in request["ParameterNameValues"]:
        name = each.get("ParameterName", "")
        try:
            values[name] = checked_value(name, each.get("ParameterValue", ""))
        except ValueError as error:
            raise fault("InvalidParameterValue", str(error)) from None
    _change(store, group, values)
    return {"CacheParameterGroupName": group.name}


def reset_cache_parameter_group(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    group = _group(store, request["CacheParameterGroupName"])
    names = {each.get("ParameterName") for each in request.get("ParameterNameValues") or []}
    everything = request.get("ResetAllParameters", False)
    _change(store, group, {name: value for name, value in group.values.items() if not everything and name not in names})
    return {"CacheParameterGroupName": group.name}


def delete_cache_parameter_group(store: RegionStore, _context: RequestContext, request: Request) -> Response:
    group = _group(store, request["CacheParameterGroupName"])
    if members := [cache.name for cache in store.replication_groups.values() if cache.parameter_group is group]:
        raise fault("InvalidCacheParameterGroupState", f"{group.name} is still used by {', '.join(members)}")
    del store.parameter_groups[group.name]
    return {}


def group_for(store: RegionStore, name: str | None, engine: str, version: str) -> ParameterGroup | None:
    """The group of this name for a cache of this engine; None for one of ElastiCache's own, or without a name."""
    if not name or name.startswith(DEFAULT_PREFIX):
        return None
    group, expected = _group(store, name), family_of(engine, version)
    if group.family != expected:
        message = f"Expected a parameter group of family {expected} but found one of family {group.family}"
        raise fault("InvalidParameterCombination", message)
    return group


def _change(store: RegionStore, group: ParameterGroup, values: dict[str, str]) -> None:
    group.values = values
    for cache in store.replication_groups.values():
        if cache.parameter_group is group:
            cache.server.configure(values)


def _group(store: RegionStore, name: str) -> ParameterGroup:
    if (group := store.parameter_groups.get(name.lower())) is None:
        raise fault("CacheParameterGroupNotFound", f"CacheParameterGroup {name} not found.", status_code=404)
    return group
