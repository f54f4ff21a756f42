"""Each function may do what it does, to what it does it to, and nothing else."""

import re
from typing import Any

import pytest

from cloudformation import FILES, all_resources, load, resources, values

FUNCTIONS = resources("AWS::Serverless::Function")
ROLES = all_resources("AWS::IAM::Role")
# Network interfaces in the VPC: what Lambda needs for them changes, and AWS keeps the policy in step.
OF_AWS = {"arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaENIManagementAccess"}
# Any connection of the one API, any object of the one bucket.
STAGE = (
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    "${WebSocket.Outputs.ApiId}/${WebSocket.Outputs.Stage}"
)
WILD_ENDINGS = {f"{STAGE}/POST/@connections/*", f"{STAGE}/DELETE/@connections/*", "${WebBucket.Arn}/*"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements() -> list[dict[str, Any]]:
    """Every statement of every policy, but who may take on a role."""
    return [
        node
        for path in FILES
        for node in values(load(path).get("Resources", {}))
        if isinstance(node, dict) and "Effect" in node and node["Action"] != "sts:AssumeRole"
    ]


@pytest.mark.parametrize("statement", statements(), ids=lambda statement: "+".join(listed(statement["Action"])))
def test_a_statement_allows_actions_by_their_whole_names(statement: dict[str, Any]):
    assert "Allow" == statement["Effect"]
    assert {"Effect", "Action", "Resource"} == statement.keys() - {"Principal", "Condition"}
    assert [] == [action for action in listed(statement["Action"]) if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action)]


def test_a_resource_is_wild_only_where_no_other_can_be_named():
    # Whatever function puts the name together.
    texts = [node for statement in statements() for node in values(statement["Resource"]) if isinstance(node, str)]

    assert {text for text in texts if "*" in text and text != "*"} <= WILD_ENDINGS


def test_next_to_every_wildcard_stands_why():
    wild = [statement for statement in statements() if "*" in values(statement["Resource"])]
    reason = re.compile(r"^ +# Any resource[:,] .+\n(?: +# .+\n)* +Resource: \"\*\"$", re.MULTILINE)

    assert len(wild) == sum(len(reason.findall(path.read_text())) for path in FILES)


def test_every_function_has_a_role_of_its_own():
    roles = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS.values()]

    assert sorted(ROLES) == sorted(roles)


@pytest.mark.parametrize("name", ROLES)
def test_only_lambda_takes_on_a_role(name: str):
    [statement] = ROLES[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert {"Service": "lambda.amazonaws.com"} == statement["Principal"]


def test_roles_have_policies_that_can_be_read_here_and_one_of_awss():
    attached = [policy for role in ROLES.values() for policy in role["Properties"].get("ManagedPolicyArns", [])]
    ours = all_resources("AWS::IAM::ManagedPolicy")
    on_condition = [
        {"Fn::If": [policy["Condition"], {"Ref": name}, {"Ref": "AWS::NoValue"}]} for name, policy in ours.items()
    ]
    allowed = [*on_condition, *({"Fn::Sub": arn} for arn in OF_AWS)]

    assert [] == [policy for policy in attached if policy not in allowed]
    assert [] == [policy for policy in allowed if policy not in attached]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_no_url_of_its_own_and_no_permissions_beside_its_role(name: str):
    # The one would pass by the authorizer, the others by the tests here.
    assert set() == {"FunctionUrlConfig", "Policies"} & FUNCTIONS[name]["Properties"].keys()


def test_an_aws_service_may_read_what_is_ours_only_on_our_behalf():
    granted = [statement for statement in statements() if isinstance(statement.get("Principal"), dict)]

    assert granted
    for statement in granted:
        assert "AWS:SourceArn" in statement["Condition"]["StringEquals"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_writes_to_its_own_log_group(name: str):
    function = name.removesuffix("Function")
    policy = resources("AWS::IAM::Policy")[f"{function}LogsPolicy"]["Properties"]
    [statement] = policy["PolicyDocument"]["Statement"]

    assert [{"Ref": FUNCTIONS[name]["Properties"]["Role"]["Fn::GetAtt"][0]}] == policy["Roles"]
    assert {"Fn::GetAtt": [f"{function}LogGroup", "Arn"]} == statement["Resource"]
    group = resources("AWS::Logs::LogGroup")[f"{function}LogGroup"]["Properties"]["LogGroupName"]
    assert {"Fn::Sub": f"/aws/lambda/${{{name}}}"} == group


def test_only_the_page_is_open_to_everybody():
    public = [statement for statement in statements() if "*" == statement.get("Principal")]

    assert ["s3:GetObject"] == [statement["Action"] for statement in public]


@pytest.mark.parametrize("name", all_resources("AWS::Lambda::Permission"))
def test_an_api_may_call_a_function_only_as_itself(name: str):
    source = all_resources("AWS::Lambda::Permission")[name]["Properties"]["SourceArn"]["Fn::Sub"]

    assert source.startswith("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/")
