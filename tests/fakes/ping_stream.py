"""A stream that keeps what is written to it."""

from heatmap.errors import Unavailable


class FakePingStream:
    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.is_down = False

    def put(self, data: bytes) -> None:
        if self.is_down:
            raise Unavailable("the stream did not take the pings: it is down")
        self.records.append(data)
