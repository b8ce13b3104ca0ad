"""Copies of shared models that a store keeps: of several processes, and after something happened to them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import SharingError
from adapterstilts.sharing.places import Places
from adapterstilts.sharing.references import RegistryReference
from tests.runs.published import change

# Waits for a line before it looks whether the copy is there, so that all processes do at once.
GET = """
import sys
from pathlib import Path
from adapterstilts.sharing.places import Places
from adapterstilts.sharing.references import RegistryReference
from adapterstilts.sharing.registry import Registry
places = Places(Path(sys.argv[1]))
registry = Registry(sys.argv[2])
(entry,) = registry.entries()
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    print(places.fetch_entry(registry, entry).content, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def registry(trained: dict[str, Any], tmp_path: Path) -> Path:
    adapterstilts.push("squad", to=str(tmp_path / "registry"), store=trained["store"])
    return tmp_path / "registry"


@pytest.mark.slow
def test_processes_get_the_same_model_at_the_same_time(registry: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", GET, str(tmp_path / "cache"), str(registry)]
    others = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    found = set()
    for number in range(21):
        for one in others:
            assert one.stdout
            said = one.stdout.readline().strip()
            assert said, f"a process has failed in round {number}"
            found |= {said} - {"ready"}
        (folders,) = [list((tmp_path / "cache").iterdir())] if number else [[]]
        assert len(folders) == bool(number) and len(found) == bool(number)
        for folder in folders:
            folder.rename(tmp_path / f"round-{number}")  # for all of them to get it once more
        for one in others:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
    assert [one.wait(60) for one in others] == [0] * 4


def test_a_copy_that_was_damaged_is_got_again(registry: Path, tmp_path: Path) -> None:
    places = Places(tmp_path / "cache")
    reference = RegistryReference(str(registry), "squad")
    package = places.fetch(reference)
    change(package.folder / "adapter.safetensors")
    again = places.fetch(reference)
    assert again.content == package.content and [path.name for path in (tmp_path / "cache").iterdir()] == [
        again.folder.name
    ]
    change(again.folder / "adapter.safetensors")
    (weights,) = registry.rglob("adapter.safetensors")
    change(weights)
    with pytest.raises(SharingError, match=r"adapter\.safetensors from squad-.* has SHA-256"):
        places.fetch(reference)
    assert list((tmp_path / "cache").iterdir()) == []
