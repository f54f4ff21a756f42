import pytest

from fleetglow.deployment import Deployment
from fleetglow.errors import BadInput
from fleetglow.function_logs import duration_ms, lines

OUTPUTS = {"IngestFunctionName": "stack-Ingest-1", "QueryFunctionName": "stack-Query-1", "RestApiId": "a"}
DEPLOYMENT = Deployment("http://127.0.0.1:4566", "", "", "", "", OUTPUTS)


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("1d", 86_400_000)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: int) -> None:
    assert expected == duration_ms(text)


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1.5h", "10m\n", "٣m"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="expected a duration as 30s"):
        duration_ms(text)


def test_an_unknown_function_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"^function: expected one of ingest, query, got 'archive'$"):
        next(lines(DEPLOYMENT, "archive", 1_000, follow=False))
