"""What commands resolve before any task is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.errors import UsageError


def test_a_function_in_one_of_several_processes_is_refused(
    quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT"):
        monkeypatch.setenv(name, "")  # so that what is set here goes again
    with pytest.raises(UsageError, match="one of 2 processes .* Have the launcher start the command line"):
        adapterstilts.train_intermediate("squad", **quick)


def test_options_become_a_setup_and_a_planner(quick: dict[str, Any], tmp_path: Path) -> None:
    planner = make_planner(read_options(TransferOptions, {**quick, "seed": 3, "tokens_per_batch": 64}))
    setup = planner.setup
    assert (setup.store.root, setup.source.name, setup.tokens_per_batch) == (quick["store"], "files", 64)
    assert (planner.seed, planner.precision, str(planner.method.spec)) == (3, "fp32", "seq_bn")
    assert planner.settings["epochs"] == 1 and planner.profile.name == "paper"
    assert setup.backbone.fingerprint.startswith("sha256:") and planner.facts.num_hidden_layers == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "warp"}, "--device warp cannot be used"),
        ({"backbone": "./absent"}, "--backbone ./absent is not a folder"),
        ({"profile": "mimi"}, "Did you mean 'mini'"),
        ({"method": "seq_nb"}, "Did you mean 'seq_bn'"),
    ],
)
def test_what_is_not_there_is_refused(quick: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_planner(read_options(TransferOptions, {**quick, **changes}))
