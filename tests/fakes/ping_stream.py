"""A stream that keeps what is written to it."""

from heatmap.errors import Unavailable


class FakePingStream:
    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.is_down = False
        self.name = "pings"
        self.lag = 0

    def lag_ms(self, checkpoints: dict[str, str]) -> int:
        return self.lag

    def put(self, data: bytes) -> None:
        if self.is_down:
            raise Unavailable("the stream did not take the pings: it is down")
        self.records.append(data)
