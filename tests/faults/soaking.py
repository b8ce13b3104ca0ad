"""Attempts of all kinds in turn: kills, changes of files, small disks, many processes, and hostile input."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from random import Random

from adapterstilts.runs.memory import FOLDER
from adapterstilts.runs.store import RunStore
from tests.faults.commands import Row, Trials, ended, make_trials, start
from tests.faults.hostile import BUILT, PLAIN, Attempt, tried
from tests.faults.mutations import CANARY

# Looked at change by change: publishing, the registry, archives, what is written beside a store.
AT_CHANGES = ("train", "train --force", "transfer", "predict", "translate", "push", "pull", "runs export")
ON_DISKS = ("train", "transfer", "predict", "push", "pull", "translate")
AT_ONCE = ("train", "transfer", "study", "push")


def hostile(rng: Random, scratch: Path, trials: Mapping[str, Trials], rows: dict[str, Row]) -> Iterator[None]:
    """Attempts with hostile input, one kind after the other, without end."""
    made = scratch / "made"
    made.mkdir()
    store = ["--store", str(made / "store")]
    makers: list[Callable[[], list[str]]] = [
        lambda: trials["train"].work.words(made),
        lambda: ["pull", "squad", str(made / "package"), *store],
        lambda: ["push", "squad", "--to", str(made / "registry"), *store],
        lambda: ["runs", "export", RunStore(made / "store").runs()[0].key, "--to", str(made / "runs.tar"), *store],
    ]
    for make in makers:
        words = make()
        code, said = ended(start(words))
        if code:
            raise SystemExit(f"{' '.join(words)} fails: {said[-800:]}")
    attempts = {**PLAIN, **{name: build(made, scratch / "backbone") for name, build in BUILT.items()}}
    canary = scratch / "canary"
    os.environ[CANARY] = str(canary)
    while True:
        for name, attempt in attempts.items():
            one_hostile(rows.setdefault(name, Row(name)), attempt, scratch / "input", rng.randrange(2**32), canary)
            yield


def one_hostile(row: Row, attempt: Attempt, folder: Path, seed: int, canary: Path) -> None:
    """One attempt, counted."""
    row.tried += 1
    try:
        tried(attempt, folder, seed)
    except Exception as error:
        row.count("raw", f"seed {seed}: {type(error).__name__}: {str(error)[:200]}")
    if canary.exists():
        row.count("executed", f"seed {seed}")
        canary.unlink()


def soak(minutes: float, seed: int, *, often: int = 4, together: int = 16, mutants: int = 12) -> list[Row]:
    """All kinds of attempts in turn until the time is up, each at least once.

    Args:
        often: How often each command is killed in a round.
        together: How many processes are started at once.
        mutants: How many hostile inputs there are for each attempt of another kind.
    """
    rng, end = Random(seed), time.monotonic() + 60 * minutes
    rows: dict[str, Row] = {}

    def row(what: str) -> Row:
        return rows.setdefault(what, Row(what))

    with tempfile.TemporaryDirectory(prefix="soak") as name:
        scratch = Path(name)
        os.environ[FOLDER] = str(scratch / "facts")
        trials = make_trials(scratch)
        attempts: list[Callable[[], None]] = []
        for what, one in trials.items():
            attempts += [partial(one.kills, row(what), rng)] * often
        for what in AT_CHANGES:
            attempts += [partial(trials[what].change, row(f"{what}, at a change"), rng)] * often
        for what in ON_DISKS:
            attempts += [partial(trials[what].full_disk, row(f"{what}, small disk"), rng)] * -(-often // 2)
        for what in AT_ONCE:
            attempts.append(partial(trials[what].at_once, row(f"{what}, {together} at once"), together))
        inputs = hostile(rng, scratch, trials, rows)
        whole = False
        while not whole or time.monotonic() < end:
            rng.shuffle(attempts)
            for number, attempt in enumerate(attempts, start=1):
                attempt()
                for _ in range(mutants):
                    next(inputs)
                tell(rows, f"{number} of {len(attempts)} in this round")
                if whole and time.monotonic() > end:
                    break
            whole = True
    return list(rows.values())


def tell(rows: Mapping[str, Row], done: str) -> None:
    """How far it is, in one line."""
    faults = sum(len(row.examples) for row in rows.values())
    said = f"\r{done}, {sum(row.tried for row in rows.values()):,} attempts, {faults} faults"
    print(said, end="", file=sys.stderr, flush=True)
