"""A command in several processes: the first one runs it, and the others take part in its stages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from adapterstilts.stages.devices.launch import launched


@contextmanager
def among_others() -> Iterator[bool]:
    """While it lasts, the processes of a launcher work together, if there is one; yields whether this one leads.

    Raises:
        UsageError: The launcher's environment says too little, or what cannot be.
        ProcessLostError: A process has failed, or is gone.
    """
    launch = launched()
    if launch is None:
        yield True
        return
    from adapterstilts.reporting.progress import quiet_libraries

    quiet_libraries()
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # read when torch is imported, which has advice, too
    if launch.rank:
        from adapterstilts.stages.devices.following import follow

        follow(launch)
        yield False
        return
    from adapterstilts.stages.devices.leading import leading

    with leading(launch):
        yield True
