"""Checkpoints that can be trusted after a kill."""

from __future__ import annotations

from pathlib import Path

from adapterstilts.stages.checkpoints import latest_complete, mark_complete


def test_only_whole_checkpoints_are_trusted(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_text("all of it")
        if step != 15:
            mark_complete(folder)
    (tmp_path / "checkpoint-20" / "weights").write_text("cut")
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-5"]
