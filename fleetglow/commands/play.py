"""`fleetglow play`: recorded tracks, as if they happened now."""

from pathlib import Path
from typing import Annotated

import typer


def play(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, GPX or GeoJSON, also gzipped.")
    ],
    speed: Annotated[float, typer.Option(min=0.001, max=100_000, help="How many times faster than recorded.")] = 1,
    city: Annotated[str | None, typer.Option(help="Play only what lies in this city.")] = None,
    rest_url: Annotated[str | None, typer.Option(help="Send to this REST API instead of the stack here.")] = None,
    token: Annotated[str | None, typer.Option(help="The token for --rest-url.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, as the last line.")] = False,
) -> None:
    """Send recorded tracks with their times laid on now.

    The first reading is sent at once, the others keep their spacing, divided by the speed.
    """
    from contextlib import closing

    from fleetglow import player
    from fleetglow.clock import SystemClock
    from fleetglow.errors import BadInput
    from fleetglow.outlet import Run
    from fleetglow.places import named_city
    from fleetglow.tracks.files import read_fixes
    from fleetglow.tracks.rejects import Rejects
    from fleetglow.tracks.sorting import SortedFixes
    from fleetglow.traffic import carry, destination

    box = named_city(city).bbox if city else None
    rejects = Rejects()
    fixes = (fix for fix in read_fixes(file, rejects.add) if box is None or box.holds(fix.lat, fix.lon))
    with closing(SortedFixes(fixes)) as tracks:
        rejects.tell(file.name)
        if not tracks.count:
            raise BadInput(
                f"{file.name}: expected readings{f' in {city}' if city else ''}, got none that can be played"
            )
        duration_s = tracks.duration_s / speed
        whom = destination(rest_url, token, duration_s)
        typer.echo(
            f"{tracks.count:,} readings over {tracks.duration_s:,.0f} s, played in {duration_s:,.0f} s", err=True
        )

        async def traffic(run: Run) -> None:
            await player.play(tracks, tracks.first, speed, run, SystemClock())

        carry(whom, duration_s, traffic, as_json=as_json, rejected_before=rejects.count)
