"""`python -m fleetglow`."""

from fleetglow.cli import main

main()
