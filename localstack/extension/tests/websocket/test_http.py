import pytest

from localstack_dockerless.websocket.http import HttpError, Request, RequestParser, response


def parse(data: bytes, max_body: int = 100) -> list[Request]:
    parser = RequestParser(max_body)
    parser.feed(data)
    requests = []
    while (request := parser.next_request()) is not None:
        requests.append(request)
    return requests


def test_requests_follow_each_other_on_a_connection() -> None:
    data = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /b?c=d HTTP/1.1\r\nX-Y: 1\r\nx-y: 2\r\n\r\n"
    first, second = parse(data)
    assert (first.method, first.target, first.body) == ("POST", "/a", b"hi")
    assert second.headers == [("X-Y", "1"), ("x-y", "2")]
    assert second.by_name == {"x-y": "2"}


def test_bytes_may_arrive_one_by_one() -> None:
    parser, requests = RequestParser(100), []
    for byte in b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi":
        parser.feed(bytes([byte]))
        if (request := parser.next_request()) is not None:
            requests.append(request)
    assert [request.body for request in requests] == [b"hi"]


def test_a_body_over_the_limit_is_dropped_and_the_next_request_is_read() -> None:
    big, small = parse(b"POST /a HTTP/1.1\r\nContent-Length: 101\r\n\r\n" + b"x" * 101 + b"GET /b HTTP/1.1\r\n\r\n")
    assert big.body is None
    assert small.body == b""


def test_the_rest_is_what_follows_the_request() -> None:
    parser = RequestParser(100)
    parser.feed(b"GET /a HTTP/1.1\r\n\r\n\x81\x00")
    assert parser.next_request() is not None
    assert parser.rest == b"\x81\x00"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /a SPDY/1\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nspace : x\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET /a HTTP/1.1\r\nX: " + b"x" * 20000, 431),
    ],
)
def test_what_cannot_be_understood_has_a_status(data: bytes, status: int) -> None:
    with pytest.raises(HttpError) as caught:
        parse(data)
    assert status == caught.value.status


def test_a_response_has_the_length_of_its_body_unless_it_may_have_none() -> None:
    assert response(200, b"hi") == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    assert response(204) == b"HTTP/1.1 204 No Content\r\n\r\n"
