"""An outlet that keeps the pings it is given."""

from fleetglow.sender import Ping, Tally


class FakeOutlet:
    """`requests` holds the pings of each request, in the order they were submitted."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.requests: list[list[Ping]] = []

    async def submit(self, pings: list[Ping]) -> None:
        self.requests.append(pings)
        self.tally.sent += len(pings)

    @property
    def pings(self) -> list[Ping]:
        return [ping for request in self.requests for ping in request]
