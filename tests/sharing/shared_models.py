"""A shared model to look at, and changed copies of it."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from adapterstilts.runs.specs import TrainSpec, key

WEIGHTS = "adapter.safetensors"


def rewrite(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Changes a JSON file."""
    path = folder / name
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(change(values)), encoding="utf-8")


def said(folder: Path, *path: str | int, to: Any) -> None:
    """Changes one value of `astilts.json`, and the key with it where it is one of the spec."""

    def change(values: Any) -> Any:
        inner = values
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = to
        if path[0] == "spec":
            with suppress(ValueError):
                values["key"] = key(TrainSpec.model_validate(values["spec"]))
        return values

    rewrite(folder, "astilts.json", change)


def attested(folder: Path) -> Path:
    """Writes sizes and digests of the files as they are now into `astilts.json`, as somebody with bad intent would."""

    def change(values: dict[str, Any]) -> dict[str, Any]:
        values["files"] = {
            path.relative_to(folder).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in folder.rglob("*")
            if path.is_file() and path.name not in ("astilts.json", "README.md")
        }
        return values

    rewrite(folder, "astilts.json", change)
    return folder


def tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    """Changes the tensors of the adapter."""
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)
    attested(folder)


def header(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes the header of the adapter's file, and not what follows it."""
    data = (folder / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    told = json.dumps(change(json.loads(data[8 : 8 + length]))).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(told)) + told + data[8 + length :])
    attested(folder)
