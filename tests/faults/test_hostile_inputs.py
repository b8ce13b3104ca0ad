"""Files and words of others with faults in them: each is refused with a message that names it, or is taken."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.hostile import PLAIN, package, tried
from tests.faults.mutations import mutate_file, mutated_bytes, mutated_words

SEEDS = st.integers(0, 2**32 - 1)
# Hypothesis draws seeds; what a seed stands for is drawn by `Random`, as `scripts/soak` draws it.
QUICKLY = settings(
    max_examples=120, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
FEW = settings(QUICKLY, max_examples=40)


@pytest.mark.parametrize("what", PLAIN)
@QUICKLY
@given(seed=SEEDS)
def test_nothing_but_errors_that_explain_themselves_comes_out(what: str, seed: int, tmp_path: Path) -> None:
    message = tried(PLAIN[what], tmp_path / "x", seed)
    assert message is None or len(message) > 10


@FEW
@given(seed=SEEDS)
def test_packages_are_refused_or_read(seed: int, shared_folder: Path, tmp_path: Path) -> None:
    tried(package(shared_folder), tmp_path / "x", seed)


def test_a_seed_finds_the_same_fault_again(tmp_path: Path) -> None:
    content = b'{"data": [1, 2, {"a": "b"}]}'
    assert len({mutated_bytes(content, Random(seed)) for seed in range(50)}) > 30
    for seed in range(50):
        assert mutated_bytes(content, Random(seed)) == mutated_bytes(content, Random(seed))
        assert mutated_words("squad,mnli", Random(seed)) == mutated_words("squad,mnli", Random(seed))
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.write_bytes(content)
    assert [mutate_file(path, Random(3)) for path in paths] == ["content"] * 2
    assert paths[0].read_bytes() == paths[1].read_bytes() != content
