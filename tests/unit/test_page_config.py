"""The page of a stack on AWS is told where its stack is."""

import json
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest
from botocore.exceptions import NoRegionError

from cloudformation import ROOT, load
from fleetglow import page

TEMPLATE = load()["Outputs"]
# In China, where names end otherwise.
OUTPUTS = dict.fromkeys(TEMPLATE, "x") | {
    "RestApiUrl": "https://r1.execute-api.cn-north-1.amazonaws.com.cn/live",
    "WebSocketApiEndpoint": "wss://w1.execute-api.cn-north-1.amazonaws.com.cn",
    "WebSocketStage": "live",
    "Precisions": "5,6,7",
}
loader = SourceFileLoader("page_config", str(ROOT / "scripts/page-config"))
spec = spec_from_loader(loader.name, loader)
assert spec is not None
page_config = module_from_spec(spec)
loader.exec_module(page_config)


def test_it_is_told_where_the_apis_are_and_what_there_is_to_see():
    config = json.loads(page.configuration(page_config.deployment(OUTPUTS)))

    assert "https://r1.execute-api.cn-north-1.amazonaws.com.cn/live" == config["rest_url"]
    assert "wss://w1.execute-api.cn-north-1.amazonaws.com.cn/live" == config["websocket_url"]
    assert [5, 6, 7] == config["precisions"]
    assert "lagos" in {city["name"] for city in config["cities"]}


def test_the_template_says_what_hosts_are_called_where_it_is_deployed():
    url = "https://${RestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${RestApi.Stage}"

    assert {"Fn::Sub": url} == TEMPLATE["RestApiUrl"]["Value"]


class CloudFormation:
    """Of an account with one stack."""

    def describe_stacks(self, **_: str) -> object:
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        return {"Stacks": [{"Outputs": outputs}]}


def no_region(service: str) -> object:
    raise NoRegionError


def test_the_file_holds_it_whole_and_nothing_else_is_left_beside(tmp_path: Path):
    file = tmp_path / "config.json"
    file.write_text("the one before")

    page_config.main(["s", "--output", str(file), "--rest-url", "https://a.example"], lambda _: CloudFormation())

    assert "https://a.example" == json.loads(file.read_bytes())["rest_url"]
    assert [file] == list(tmp_path.iterdir())


def test_without_a_region_it_says_so_in_a_line_and_leaves_the_file_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "config.json"
    file.write_text("the one before")

    with pytest.raises(SystemExit) as left:
        page_config.main(["mine", "--output", str(file)], no_region)

    printed = capsys.readouterr()
    assert (2, "", 1) == (left.value.code, printed.out, printed.err.count("\n"))
    assert "page-config: --stack mine: expected a region" in printed.err
    assert "the one before" == file.read_text()


def test_a_folder_that_there_is_not_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        page_config.main(["s", "--output", str(tmp_path / "dist" / "config.json")], lambda _: CloudFormation())

    assert "page-config: --output" in capsys.readouterr().err
