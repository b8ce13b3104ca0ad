"""`python -m adapterstilts` is `astilts`."""

from adapterstilts.cli import main

main()
