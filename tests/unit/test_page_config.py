"""The page of a stack on AWS is told where its stack is."""

import json
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

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
