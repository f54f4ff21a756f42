import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket_support.rawclient import frame

from localstack_dockerless.websocket import frames
from localstack_dockerless.websocket.frames import Close, FrameDecoder, FrameError, Message, Ping, Pong


def decode(data: bytes) -> list[frames.Event]:
    return list(FrameDecoder().feed(data))


def error_code(data: bytes) -> int:
    with pytest.raises(FrameError) as caught:
        decode(data)
    return caught.value.code


def test_a_text_frame_is_a_message() -> None:
    assert [Message("höre")] == decode(frame("höre".encode()))


def test_several_frames_in_one_piece_come_in_order() -> None:
    data = frame(b"one") + frame(b"p", frames.PING) + frame(b"", frames.PONG) + frame(b"two")
    assert [Message("one"), Ping(b"p"), Pong(b""), Message("two")] == decode(data)


def test_a_control_frame_may_stand_within_a_fragmented_message() -> None:
    data = frame(b"o", fin=False) + frame(b"", frames.PING) + frame(b"n", 0, fin=False) + frame(b"e", 0)
    assert [Ping(b""), Message("one")] == decode(data)


@given(st.text(max_size=400), st.lists(st.integers(1, 50), max_size=30))
def test_bytes_may_arrive_in_any_pieces(text: str, sizes: list[int]) -> None:
    data, decoder, events, position = frame(text.encode()) + frame(b"end"), FrameDecoder(), [], 0
    for size in [*sizes, len(data)]:
        events += list(decoder.feed(data[position : position + size]))
        position += size
    assert [Message(text), Message("end")] == events


@pytest.mark.parametrize("size", [0, 1, 125, 126, 32768])
def test_a_frame_may_have_up_to_32_kb(size: int) -> None:
    assert [Message("x" * size)] == decode(frame(b"x" * size))


def test_a_larger_frame_is_too_big_before_its_payload_has_come() -> None:
    assert error_code(frame(b"x" * 32769)[:14]) == frames.MESSAGE_TOO_BIG


def test_a_message_may_have_up_to_128_kb_in_fragments() -> None:
    part = b"x" * 32768
    data = frame(part, fin=False) + frame(part, 0, fin=False) * 2
    assert [Message("x" * 131072)] == decode(data + frame(part, 0))
    assert error_code(data + frame(part, 0, fin=False) + frame(b"x", 0)) == frames.MESSAGE_TOO_BIG


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"x", masked=False), frames.PROTOCOL_ERROR),
        (frame(b"x", reserved=4), frames.PROTOCOL_ERROR),
        (frame(b"x", 3), frames.PROTOCOL_ERROR),
        (frame(b"x", frames.CONTINUATION), frames.PROTOCOL_ERROR),
        (frame(b"x", fin=False) + frame(b"y"), frames.PROTOCOL_ERROR),
        (frame(b"x", frames.PING, fin=False), frames.PROTOCOL_ERROR),
        (frame(b"x" * 126, frames.PING), frames.PROTOCOL_ERROR),
        (frame(b"\x03", frames.CLOSE), frames.PROTOCOL_ERROR),
        (frame((1005).to_bytes(2), frames.CLOSE), frames.PROTOCOL_ERROR),
        (frame(b"x", frames.BINARY), frames.UNSUPPORTED_DATA),
        (frame(b"\xff"), frames.INVALID_PAYLOAD),
        (frame(b"\xc3", fin=False) + frame(b"x", 0), frames.INVALID_PAYLOAD),
        (frame((1000).to_bytes(2) + b"\xff", frames.CLOSE), frames.INVALID_PAYLOAD),
    ],
)
def test_what_is_not_allowed_closes_with_its_code(data: bytes, code: int) -> None:
    assert code == error_code(data)


def test_a_close_frame_has_a_code_and_a_reason_or_neither() -> None:
    assert [Close(4001, "bye")] == decode(frame((4001).to_bytes(2) + b"bye", frames.CLOSE))
    assert [Close(frames.NO_STATUS, "")] == decode(frame(b"", frames.CLOSE))


@pytest.mark.parametrize(("size", "parts"), [(0, 1), (125, 1), (126, 1), (32768, 1), (32769, 2), (131072, 4)])
def test_an_outgoing_message_goes_in_frames_of_at_most_32_kb(size: int, parts: int) -> None:
    data, sizes, opcodes, fins = frames.encode_message(b"x" * size), [], [], []
    while data:
        length, head = data[1], 2
        if length == 126:
            length, head = int.from_bytes(data[2:4]), 4
        sizes.append(length)
        opcodes.append(data[0] & 0x0F)
        fins.append(bool(data[0] & 0x80))
        data = data[head + length :]
    assert size == sum(sizes)
    assert max(sizes) <= frames.MAX_FRAME_BYTES
    assert [frames.TEXT, *[frames.CONTINUATION] * (parts - 1)] == opcodes
    assert [*[False] * (parts - 1), True] == fins


def test_a_close_frame_without_a_status_is_empty() -> None:
    assert frames.encode_close(frames.NO_STATUS) == b"\x88\x00"
    assert frames.encode_close(1001, "bye") == b"\x88\x05\x03\xe9bye"
