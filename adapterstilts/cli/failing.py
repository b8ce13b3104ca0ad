"""How a command that fails says so: in words, or as one more of the JSON lines that it prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from adapterstilts.printable import printable_message

# What marks an error of a command whose events are JSON. It is the error's: a process may run other commands, too.
_MARK = "_astilts_json_lines"


@contextmanager
def failing_as_asked(*, json_lines: bool) -> Iterator[None]:
    """While a command runs, its errors remember that `fail` is to print them as JSON, if it is."""
    if not json_lines:
        yield
        return
    try:
        yield
    except Exception as error:
        setattr(error, _MARK, True)
        raise
    except KeyboardInterrupt as error:
        ended = click.Abort()  # before which click prints no empty line
        setattr(ended, _MARK, True)
        raise ended from error


def fail(error: BaseException, message: str, code: int, *, json_lines: bool = False) -> NoReturn:
    """Prints with what a command ends, as the command was asked to, and ends the process.

    Args:
        json_lines: Whether that is known to be JSON, of an error before there was a command to mark it.
    """
    if progress := sys.modules.get("adapterstilts.reporting.progress"):
        progress.close_bars()  # whose last state would be drawn below the message
    if json_lines or _is_marked(error):
        from adapterstilts.reporting.json_lines import JsonLines

        JsonLines().tell("error", message=message, code=code)
        sys.exit(code)
    # https://no-color.org: whatever its value is, if it has one.
    click.secho(
        f"Error: {printable_message(message)}",
        fg="red",
        err=True,
        color=False if os.environ.get("NO_COLOR") else None,
    )
    sys.exit(code)


def _is_marked(error: BaseException | None) -> bool:
    """Whether it is an error of such a command, or has been made of one, as what a signal raises may be."""
    while error is not None:
        if getattr(error, _MARK, False):
            return True
        error = error.__cause__
    return False
