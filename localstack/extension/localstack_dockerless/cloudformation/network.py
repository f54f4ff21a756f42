"""AWS::EC2::SecurityGroupIngress and SecurityGroupEgress, over the EC2 API. Nothing enforces the rules locally."""

from typing import Any

from localstack.services.cloudformation.resource_provider import ProgressEvent, ResourceProvider, ResourceRequest

from localstack_dockerless.cloudformation.common import Model, merged, schema, success

RANGES = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
CREATE_ONLY = ("GroupId", "GroupName", "IpProtocol", "FromPort", "ToPort", *RANGES)


class SecurityGroupIngressProvider(ResourceProvider[Model]):
    TYPE = "AWS::EC2::SecurityGroupIngress"
    SCHEMA = schema("Id", create_only=CREATE_ONLY)

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, ec2 = request.desired_state, request.aws_client_factory.ec2
        rules = ec2.authorize_security_group_ingress(**rule(model))["SecurityGroupRules"]
        return success(model | {"Id": rules[0]["SecurityGroupRuleId"]})

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        return success(merged(request))

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        request.aws_client_factory.ec2.revoke_security_group_ingress(**rule(request.desired_state))
        return success(request.desired_state)


class SecurityGroupEgressProvider(ResourceProvider[Model]):
    TYPE = "AWS::EC2::SecurityGroupEgress"
    SCHEMA = schema("Id", create_only=CREATE_ONLY)

    def create(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model, ec2 = request.desired_state, request.aws_client_factory.ec2
        rules = ec2.authorize_security_group_egress(**rule(model))["SecurityGroupRules"]
        return success(model | {"Id": rules[0]["SecurityGroupRuleId"]})

    def update(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        return success(merged(request))

    def delete(self, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        request.aws_client_factory.ec2.revoke_security_group_egress(**rule(request.desired_state))
        return success(request.desired_state)


def rule(model: Model) -> dict[str, Any]:
    """The parameters of Authorize and Revoke for one rule."""
    permission: dict[str, Any] = {"IpProtocol": str(model["IpProtocol"])}
    permission |= {name: int(model[name]) for name in ("FromPort", "ToPort") if name in model}
    for name, (kind, key) in RANGES.items():
        if name in model:
            description = {"Description": model["Description"]} if "Description" in model else {}
            permission[kind] = [{key: model[name]} | description]
    return {"GroupId": model["GroupId"], "IpPermissions": [permission]}
