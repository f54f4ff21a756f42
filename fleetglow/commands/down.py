"""`fleetglow down`: end the local cloud."""

import typer


def down() -> None:
    """Stop the local cloud with all that it started; also what one that was killed has left behind."""
    from fleetglow import local_stack
    from fleetglow.instance import Instance
    from fleetglow.progress import Progress

    instance = Instance.from_env()
    with Progress().step("stopping"):
        was_running = local_stack.stop(instance)
    typer.echo("stopped" if was_running else "nothing was running", err=True)
