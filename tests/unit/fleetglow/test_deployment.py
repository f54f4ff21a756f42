import pytest
from typer.testing import CliRunner

from adapters.jws import SharedSecret
from adapters.tokens import Tokens
from fleetglow import deployment
from fleetglow.command_line import app
from fleetglow.deployment import Deployment
from fleetglow.errors import BadInput, NotRunning
from fleetglow.token_options import require_cities
from heatmap.access import SCOPES, Principal
from heatmap.claims import Expected
from heatmap.errors import NotAllowed
from minting import SECRET


@pytest.fixture(autouse=True)
def our_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "_secret", lambda *_: SECRET)


def bearer(*drivers: str, cities: tuple[str, ...] = ("*",)) -> Principal:
    """Whom the authorizer sees in a token of ours."""
    here = Deployment("", "", "", "", "", {"TokenSecretArn": "arn"})
    token = here.token("pings:write", "gateway", 60, drivers=drivers, cities=cities)
    return Tokens(SharedSecret(SECRET), Expected("fleetglow", "fleetglow")).verify(token)


def test_a_token_says_who_may_do_what_and_where():
    gateway = bearer("van-*", cities=("lagos",))

    assert ("gateway", {"pings:write"}) == (gateway.subject, gateway.scopes)
    assert [True, False] == [driver in gateway.drivers for driver in ("van-1", "truck-1")]
    assert [True, False] == [city in gateway.cities for city in ("lagos", "london")]


def a_stack(**parameters: str) -> Deployment:
    """A stack as it is described that was deployed with these parameters."""
    outputs = {
        "RestApiId": "api",
        "RestApiStage": "live",
        "WebSocketApiEndpoint": "ws://here/ws",
        "WebSocketStage": "live",
    }
    outputs |= {"WebBucketName": "page", "RedisUrl": "redis://here", "TokenSecretArn": "arn"}
    given = {"TokenIssuer": "acme", "TokenAudience": "map", "JwksUrl": "none"} | parameters
    return deployment.described(
        "http://here",
        {
            "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        },  # type: ignore[typeddict-item]
    )


def test_the_stack_that_is_described_says_where_it_is_and_whose_tokens_it_takes():
    here = a_stack()
    page, token = here.web_url.split("#token=")

    assert ("http://here/_aws/execute-api/api/live", "ws://here/ws/live") == (here.rest_url, here.websocket_url)
    assert "http://here/page/index.html" == page
    for each in (token, here.token("pings:write", "gateway", 60)):
        assert Tokens(SharedSecret(SECRET), Expected("acme", "map")).verify(each)


def test_for_a_stack_with_an_identity_provider_no_token_is_made_and_it_is_said_what_to_give_instead():
    here = a_stack(JwksUrl="https://acme.example/keys")

    assert "http://here/page/index.html" == here.web_url
    with pytest.raises(
        NotRunning, match=r"^this stack takes the tokens of https://acme.example/keys alone.* --token, "
    ):
        here.token("pings:write", "gateway", 60)


def test_a_token_without_drivers_is_for_its_own_only():
    with pytest.raises(NotAllowed, match="driver_id"):
        bearer().require_driver("van-1")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--scope", "heatmap:read pings"], f"--scope: expected some of {', '.join(SCOPES)}, got pings"),
        (["--scope", " "], f"--scope: expected some of {', '.join(SCOPES)}, got none"),
        (["--sub", ""], "--sub: expected 1 to 255 printable characters, got ''"),
        (["--sub", "a\tb"], "--sub: expected 1 to 255 printable characters, got 'a\\tb'"),
        (["--sub", "x" * 256], f"--sub: expected 1 to 255 printable characters, got '{'x' * 40}…'"),
        (["--ttl", "0"], "--ttl: expected 1 to 31622400 seconds, which are 366 days, got 0"),
        (["--ttl", "-5"], "--ttl: expected 1 to 31622400 seconds, which are 366 days, got -5"),
        (["--ttl", "9" * 30], f"--ttl: expected 1 to 31622400 seconds, which are 366 days, got {'9' * 30}"),
        (
            ["--drivers", "van-1 a:b"],
            "--drivers: expected ids of at most 128 characters without {, } and :, or prefixes",
        ),
        (["--cities", "lagos atlantis"], "--cities: expected some of lagos, nairobi"),
        (["--cities", "lag* atl*"], "--cities: expected some of lagos, nairobi"),
    ],
)
def test_what_a_token_cannot_say_is_one_clear_line(options: list[str], line: str):
    refusal = CliRunner().invoke(app, ["token", *options]).exception

    assert isinstance(refusal, BadInput)
    assert (True, 1) == (str(refusal).startswith(line), len(str(refusal).splitlines()))


@pytest.mark.parametrize("names", ["", "*", "lagos nairobi", "lag*", "s14", "s1*", "lagos s14*"])
def test_a_token_is_good_for_cities_regions_and_prefixes_of_them(names: str):
    require_cities(names.split())
