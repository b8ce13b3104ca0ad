"""Tasks that are files, beside those of the catalogue."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.own.data import own_task
from adapterstilts.commands.own.tasks import NO_OWN_TASKS, OwnTasks
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.mini import MiniRows
from adapterstilts.errors import UsageError
from adapterstilts.tasks.catalogue import Catalogue
from tests.commands.own_tables import tickets


def test_each_task_has_its_own_rows(tmp_path: Path) -> None:
    path = tickets(tmp_path / "tickets.csv")
    own = OwnTasks((own_task(str(path), read_options(TransferOptions, {"label": "team"}), Catalogue()),))
    catalogue, source = own.catalogue(()), own.beside(MiniRows())
    recipe = catalogue.recipe("tickets")
    assert "tickets" in catalogue.names() and source.of(recipe).name == "files"
    assert len(source.load(recipe, "train", "en", BadRows(skip=False))) == 48
    copa = catalogue.recipe("copa")
    assert source.of(copa).name == source.name == "mini" and source.missing(copa, "train", "en") is None
    again, same = pickle.loads(pickle.dumps((catalogue, source)))
    assert again.recipe("tickets") == recipe and same.fingerprint(recipe, "train", "en") == source.fingerprint(
        recipe, "train", "en"
    )


def test_without_any_everything_is_as_it_was() -> None:
    source = MiniRows()
    assert NO_OWN_TASKS.beside(source) is source and NO_OWN_TASKS.catalogue(()) == Catalogue()
    with pytest.raises(UsageError, match="Unknown task"):
        NO_OWN_TASKS.catalogue(()).recipe("tickets")
