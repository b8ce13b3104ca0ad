"""Arrays on disk: computed once, and again where a file is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from adapterstilts.runs.arrays import Arrays, recall_arrays


def test_arrays_are_computed_once_for_what_decides_them(tmp_path: Path) -> None:
    asked: list[str] = []

    def find() -> Arrays:
        asked.append("")
        return {"one": np.arange(6.0).reshape(2, 3).T, "other": np.array([len(asked)])}

    for what, times in ((("a", "b"), 1), (("a", "b"), 1), (("ab", ""), 2)):
        found = recall_arrays(tmp_path / "kept", *what, find=find)
        assert found["one"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]] and len(asked) == times
    damaged = sorted((tmp_path / "kept").iterdir())
    assert len(damaged) == 2 and all(path.suffix == ".safetensors" for path in damaged)
    (tmp_path / "new").touch()  # which has the permissions of a new file
    assert {path.stat().st_mode for path in damaged} == {(tmp_path / "new").stat().st_mode}
    for path in damaged:
        path.write_bytes(path.read_bytes()[:20])
    assert recall_arrays(tmp_path / "kept", "a", "b", find=find)["other"].tolist() == [3]
    assert recall_arrays(tmp_path / "kept", "a", "b", find=find)["other"].tolist() == [3]
    for path in (tmp_path / "kept").iterdir():  # of the same size and form
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    assert recall_arrays(tmp_path / "kept", "a", "b", find=find)["other"].tolist() == [4]
    assert recall_arrays(tmp_path / "kept", "a", "b", find=find)["other"].tolist() == [4]
