import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.management.responses import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MalformedResponse,
    Response,
    ResponseParser,
)

OK = b"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
GONE = b'HTTP/1.1 410 Gone\r\ncontent-length: 18\r\nx-amzn-ErrorType: GoneException\r\n\r\n{"message":"Gone"}'
CHUNKED = b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n"

COMPLETE = {
    "an empty body": (OK, Response(200, b"", True)),
    "a body": (GONE, Response(410, b'{"message":"Gone"}', True)),
    "no phrase": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Response(200, b"", True)),
    "no body by its status": (b"HTTP/1.1 204 No Content\r\n\r\n", Response(204, b"", True)),
    "a connection that is closed": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nhi",
        Response(200, b"hi", False),
    ),
    "an old server": (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Response(200, b"", False)),
    "an old server that keeps the connection": (
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
        Response(200, b"", True),
    ),
    "the word close elsewhere": (
        b"HTTP/1.1 200 OK\r\nServer: closed-source\r\nContent-Length: 0\r\n\r\n",
        Response(200, b"", True),
    ),
    "a length said twice": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length:2\r\n\r\nhi",
        Response(200, b"hi", True),
    ),
    "chunks": (CHUNKED + b"3\r\nabc\r\nA;name=value\r\n0123456789\r\n0\r\n\r\n", Response(500, b"abc0123456789", True)),
    "chunks with trailers": (CHUNKED + b"1\r\nx\r\n0\r\nDigest: 1\r\nMore: 2\r\n\r\n", Response(500, b"x", True)),
    "no chunk but the last": (CHUNKED + b"0\r\n\r\n", Response(500, b"", True)),
    "a length beside chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Response(200, b"hi", True),
    ),
    "an interim answer": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
        Response(200, b"", True),
    ),
}

MALFORMED = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "another version": b"HTTP/2 200\r\n\r\n",
    "a page without a head": b"<html><body>Bad Gateway</body></html>",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status that begins with zero": b"HTTP/1.1 020 OK\r\n\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a length in words": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n",
    "a length with a superscript": "HTTP/1.1 200 OK\r\nContent-Length: 1²\r\n\r\n".encode("latin-1"),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
    "a length of a thousand digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 1000 + b"\r\n\r\n",
    "a body that is too large": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
    "a coding that is not ours": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES,
    "a head that is too large": b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
    "a chunk without size": CHUNKED + b"\r\nabc\r\n",
    "a chunk with a negative size": CHUNKED + b"-1\r\nabc\r\n",
    "a chunk longer than its size": CHUNKED + b"2\r\nabc\r\n",
    "a chunk of four gigabytes": CHUNKED + b"ffffffff\r\n",
    "a size of nine digits": CHUNKED + b"000000001\r\nx\r\n",
    "chunks that are too large together": CHUNKED + b"".join([b"8000\r\n" + b"x" * 0x8000 + b"\r\n"] * 3),
    "a body that never ends": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 * MAX_BODY_BYTES + 1),
    "trailers that never end": CHUNKED + b"0\r\n" + b"x: y\r\n" * MAX_BODY_BYTES,
}


def fed_in_pieces(data: bytes, size: int) -> list[Response]:
    parser = ResponseParser()
    return [
        response
        for start in range(0, len(data), size)
        if (response := parser.feed(data[start : start + size])) is not None
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize(("data", "response"), COMPLETE.values(), ids=COMPLETE.keys())
def test_a_response_is_read_in_whatever_pieces_it_comes(data: bytes, response: Response, size: int):
    assert [response] == fed_in_pieces(data, size)


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_response_is_refused_at_once(data: bytes):
    with pytest.raises(MalformedResponse):
        ResponseParser().feed(data)


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_response_is_refused_piece_by_piece_too(data: bytes):
    with pytest.raises(MalformedResponse):
        fed_in_pieces(data, 1009)


@pytest.mark.parametrize(("data", "response"), COMPLETE.values(), ids=COMPLETE.keys())
def test_a_response_that_is_cut_anywhere_is_none(data: bytes, response: Response):
    for end in range(len(data)):
        parser = ResponseParser()

        assert (None, None) == (parser.feed(data[:end]), parser.end())


def test_a_body_without_length_ends_with_the_connection():
    parser = ResponseParser()

    assert parser.feed(b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>") is None
    assert parser.feed(b"</html>") is None
    assert Response(502, b"<html></html>", False) == parser.end()


def test_one_response_after_the_other():
    parser = ResponseParser()

    assert [200, 410, 200] == [response.status for data in (OK, GONE, OK) if (response := parser.feed(data))]


@pytest.mark.parametrize("excess", [b"\r\n", b"x", OK])
@pytest.mark.parametrize("data", [OK, GONE, CHUNKED + b"0\r\n\r\n"])
def test_a_connection_on_which_more_comes_than_was_asked_for_is_not_used_again(data: bytes, excess: bytes):
    response = ResponseParser().feed(data + excess)

    assert response is not None
    assert not response.keep_alive


def test_whether_anything_came_can_be_told():
    parser = ResponseParser()
    assert parser.is_untouched

    parser.feed(OK[:1])
    assert not parser.is_untouched

    parser.feed(OK[1:])
    assert parser.is_untouched


@given(st.binary(max_size=400), st.sampled_from([b"", OK[:30], CHUNKED, GONE[:40], b"HTTP/1.1 200 OK\r\n\r\n"]))
def test_anything_is_a_response_or_malformed_or_not_complete(data: bytes, beginning: bytes):
    try:
        response = ResponseParser().feed(beginning + data)
    except MalformedResponse:
        return

    assert response is None or 200 <= response.status <= 999


LINES = [
    "Date: Sat, 21 Nov 2026 12:00:00 GMT",
    "Content-Length: 0",
    "content-length:0",
    "CONTENT-LENGTH: 00",
    "Content-Length: 2",
    "X-Content-Length: 0",
    "Connection: keep-alive",
    "connection: CLOSE",
    "Transfer-Encoding: chunked",
    "X-Note: close, Content-Length: 0",
    "",
]


@given(
    st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.0 200 OK", "HTTP/1.1 204 None", "http/1.1 200 OK"]),
    st.lists(st.sampled_from(LINES), max_size=6),
    st.sampled_from(["", "0\r\n\r\n", "hi"]),
)
def test_what_is_told_at_a_glance_is_what_reading_it_piece_by_piece_says(status: str, lines: list[str], rest: str):
    data = "\r\n".join([status, *lines, "", rest]).encode()

    def read(*pieces: bytes) -> Response | str | None:
        parser = ResponseParser()
        try:
            return [parser.feed(piece) for piece in pieces][-1]
        except MalformedResponse:
            return "malformed"

    assert read(data[:1], data[1:]) == read(data)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.integers(1, 60))
def test_chunks_give_the_body_that_went_in(chunks: list[bytes], size: int):
    data = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"

    assert [Response(500, b"".join(chunks), True)] == fed_in_pieces(data, size)
