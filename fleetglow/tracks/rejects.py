"""What of a track file could not be read: counted, and the first few told."""

import typer

SHOWN = 5


class Rejects:
    def __init__(self) -> None:
        self.count = 0
        self._first: list[str] = []

    def add(self, place: str, reason: str) -> None:
        """Count a place in the file (`line 7`) that is not a fix."""
        self.count += 1
        if len(self._first) < SHOWN:
            self._first.append(f"{place}: {reason}")

    def tell(self, name: str) -> None:
        """Say on stderr what is wrong with the file of that name, if anything is."""
        for line in self._first:
            typer.echo(f"{name}: {line}", err=True)
        if self.count > SHOWN:
            typer.echo(f"{name}: and {self.count - SHOWN:,} more that cannot be read", err=True)
