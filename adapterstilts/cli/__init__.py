"""The `astilts` command. A module here imports click and options; what a command needs is imported when it runs."""

from adapterstilts.cli.main import main

__all__ = ["main"]
