import pytest
from typer.testing import CliRunner

from adapters.jws import SharedSecret
from adapters.tokens import Tokens
from fleetglow import deployment
from fleetglow.command_line import app
from fleetglow.deployment import Deployment
from fleetglow.errors import BadInput
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


def test_a_token_without_drivers_is_for_its_own_only():
    with pytest.raises(NotAllowed, match="driver_id"):
        bearer().require_driver("van-1")


def test_the_command_names_the_scopes_that_there_are():
    refusal = CliRunner().invoke(app, ["token", "--scope", "heatmap:read pings"]).exception

    assert isinstance(refusal, BadInput)
    assert f"--scope: expected some of {', '.join(SCOPES)}, got pings" == str(refusal)
