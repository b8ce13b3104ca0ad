"""What can be deleted of a store, and what may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.runs.leftovers import Wanted, clean, dependents, leftovers, remove
from adapterstilts.runs.specs import key
from adapterstilts.runs.store import RunStore
from tests.runs.published import publish
from tests.runs.test_specs import evaluate_spec, train_spec

NOTHING = Wanted()


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A store with a finished run, and every sort of leftover."""
    store = RunStore(tmp_path)
    run = publish(store, train_spec())
    work = tmp_path / ".work"
    for name in ("waited", f"{run.folder.name}.replaced", "other.checkpoints", "failed/checkpoints"):
        (work / name).mkdir(parents=True)
    (work / "failed/checkpoints/failure.json").write_text("{}")
    (work / "waited/checkpoints").mkdir()
    (work / "waited/checkpoints/at-work.json").write_text("{}")
    (tmp_path / ".holders/ended.json").write_text(
        json.dumps({"host": __import__("platform").node(), "pid": 2**22 + 1, "begun": 1.0, "token": "t"})
    )
    (tmp_path / ".cache/features/0123.tmpabc").mkdir(parents=True)
    (tmp_path / ".cache/features/0123").mkdir()
    (work / "import-0123/run-x").mkdir(parents=True)
    (work / "import-0123/run-x/spec.json").write_text("{}")
    (tmp_path / ".damaged/run-x").mkdir(parents=True)
    return store


def found(store: RunStore, wanted: Wanted = NOTHING) -> set[tuple[str, str]]:
    return {(one.sort, one.path.name) for one in leftovers(store, wanted)}


def test_what_nothing_goes_on_from_is_found(store: RunStore) -> None:
    (run,) = store.runs()
    usual = {
        ("empty", "waited"), ("publishing", f"{run.folder.name}.replaced"), ("publishing", "other.checkpoints"),
        ("ended process", "ended.json"), ("unfinished cache", "0123.tmpabc"),
        ("unfinished import", "import-0123"),
    }  # fmt: skip
    assert found(store) == usual
    assert found(store, Wanted(unfinished=True)) == usual | {("unfinished", "failed")}
    assert found(store, Wanted(damaged=True)) == usual | {("damaged", "run-x")}
    everything = leftovers(store, Wanted(unfinished=True, damaged=True, cache=True))
    assert ("cache", "features") in {(one.sort, one.path.name) for one in everything}
    clean(store, everything)
    assert leftovers(store, Wanted(unfinished=True, damaged=True, cache=True)) == []
    assert len(store.runs()) == 1 and store.runs()[0].problem(whole=True) is None


def test_what_somebody_works_on_stays(store: RunStore) -> None:
    listed = leftovers(store, Wanted(unfinished=True))
    with store.claim(train_spec(seed=9), on_wait=print) as work:
        (work / "checkpoints").mkdir()
        assert not any(path == work.name for _, path in found(store, Wanted(unfinished=True)))
        assert ("unfinished cache", "0123.tmpabc") not in found(store)
        with pytest.raises(UsageError, match="1 process works in .* and may read its cache"):
            leftovers(store, Wanted(cache=True))
    hold = store.hold("failed")
    assert hold.take()
    clean(store, listed)  # somebody has begun since
    assert (store.root / ".work/failed").is_dir() and not (store.root / ".work/waited").exists()
    hold.release()


def test_what_others_are_made_from_is_known(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    first = train_spec()
    above = train_spec(seed=1, inputs=(key(first),))
    scored = evaluate_spec(inputs=(key(above),))
    over = evaluate_spec(inputs=("x" * 64,), language_adapters={"de": key(first), "sw": "none"})
    summed = evaluate_spec(inputs=("x" * 64,), language_sums={"de": {key(first): 0.5, "y" * 64: 0.5}})
    for spec in (first, above, scored, over, summed, train_spec(seed=7)):
        publish(store, spec)
    runs = store.runs()
    order = [run.key for run in dependents(runs, key(first))]
    assert set(order) == {key(above), key(scored), key(over), key(summed)}
    assert order.index(key(scored)) < order.index(key(above))
    assert dependents(runs, key(scored)) == []


def test_a_run_is_removed_at_once_and_only_from_its_own_store(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "mine")
    theirs = publish(RunStore(tmp_path / "theirs"), train_spec(seed=1))
    run = publish(store, train_spec())
    with pytest.raises(StoreError, match="only read"):
        remove(store, [theirs])
    with store.claim(run.spec, on_wait=print), pytest.raises(StoreError, match="is being made again"):
        remove(store, [run])
    beside = RunStore(store.root, (theirs.folder.parent,))
    with pytest.raises(StoreError, match="only read"):
        remove(beside, [run, theirs])  # one of several that may not go keeps all
    assert run.folder.is_dir()
    (store.root / f".work/{run.name}.removed/rest").mkdir(parents=True)  # of a removal that was killed
    remove(store, [run])
    assert store.runs() == [] and list((store.root / ".work").iterdir()) == [] and theirs.folder.is_dir()
