import pytest

from localstack_dockerless.websocket.selection import is_valid_expression, select_route_key


@pytest.mark.parametrize(
    ("expression", "message", "key"),
    [
        ("$request.body.action", '{"action": "join"}', "join"),
        ("${request.body.action}", '{"action": "join"}', "join"),
        ("$request.body.command.name", '{"command": {"name": "join"}}', "join"),
        ("$request.body.items[1].kind", '{"items": [{"kind": "a"}, {"kind": "b"}]}', "b"),
        ("${request.body.service}/${request.body.action}", '{"service": "chat", "action": "join"}', "chat/join"),
        ("$request.body.version", '{"version": 2}', "2"),
        ("$request.body.flag", '{"flag": true}', "true"),
        ("$request.body.action", "join", None),
        ("$request.body.action", "", None),
        ("$request.body.action", "[" * 30_000, None),
        ("$request.body.action", "[1]", None),
        ("$request.body.action", '{"other": 1}', None),
        ("$request.body.action", '{"action": null}', None),
        ("$request.body.action", '{"action": {"name": "join"}}', None),
        ("$request.body.command.name", '{"command": "join"}', None),
        ("$request.body.items[5]", '{"items": []}', None),
        ("${request.body.service}/${request.body.action}", '{"service": "chat"}', None),
    ],
)
def test_the_route_key_is_what_the_expression_finds_in_the_message(
    expression: str, message: str, key: str | None
) -> None:
    assert key == select_route_key(expression, message)


@pytest.mark.parametrize(
    "expression", ["", "action", "$request.method $request.path", "$request.body.", "$body.action"]
)
def test_other_expressions_are_refused(expression: str) -> None:
    assert not is_valid_expression(expression)
