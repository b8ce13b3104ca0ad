"""The `astilts` command. Modules here import click only; what a command needs is imported when it runs."""

from adapterstilts.cli.main import main

__all__ = ["main"]
