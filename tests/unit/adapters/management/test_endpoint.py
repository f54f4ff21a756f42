import pytest

from adapters.management.endpoint import Endpoint
from heatmap.errors import Misconfigured


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (
            "https://a1.execute-api.us-east-1.amazonaws.com/live",
            Endpoint(
                True,
                "a1.execute-api.us-east-1.amazonaws.com",
                443,
                "a1.execute-api.us-east-1.amazonaws.com",
                "/live",
            ),
        ),
        ("http://127.0.0.1:4510/a1/live", Endpoint(False, "127.0.0.1", 4510, "127.0.0.1:4510", "/a1/live")),
        ("http://127.0.0.1/live/", Endpoint(False, "127.0.0.1", 80, "127.0.0.1", "/live")),
        ("https://ws.example.com:443", Endpoint(True, "ws.example.com", 443, "ws.example.com", "")),
        ("http://[::1]:4510/live", Endpoint(False, "::1", 4510, "[::1]:4510", "/live")),
    ],
)
def test_a_url_is_taken_apart(url: str, endpoint: Endpoint):
    assert endpoint == Endpoint.at(url)


@pytest.mark.parametrize("url", ["ws://a1.example.com/live", "https:///live", "http://host:port/live", "live", ""])
def test_a_url_that_leads_nowhere_is_refused(url: str):
    with pytest.raises(Misconfigured, match="management URL"):
        Endpoint.at(url)
