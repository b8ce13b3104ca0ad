"""The `astilts` command, which is `python -m adapterstilts` too."""

from __future__ import annotations

import os
import sys

# GNU threads wait for each other in a loop, of 300,000 turns by default. Beside other programs, the one that is waited
# for may have no core, and the loop takes it from whoever has work.
_TURNS = "30000"


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; see `adapterstilts.cli.main`.

    Ctrl-C is told in one line also while its libraries are imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _TURNS)  # read when torch is imported
    try:
        from adapterstilts.cli import main as command
    except KeyboardInterrupt:
        sys.stderr.write("Error: Interrupted before anything was begun.\n")
        sys.exit(130)
    command(arguments)


if __name__ == "__main__":
    main()
