"""The `astilts` command, which is `python -m adapterstilts` too."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; see `adapterstilts.cli.main`.

    Ctrl-C is told in one line also while its libraries are imported.
    """
    try:
        from adapterstilts.cli import main as command
    except KeyboardInterrupt:
        sys.stderr.write("Error: Interrupted before anything was begun.\n")
        sys.exit(130)
    command(arguments)


if __name__ == "__main__":
    main()
