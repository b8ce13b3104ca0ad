"""The state of an optimiser, its schedule and of random numbers as tensors and JSON: a checkpoint holds no pickle."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import Trainer

from adapterstilts.errors import StoreError
from adapterstilts.files import read_file, write_json
from adapterstilts.modeling.storage import Save, save_tensors
from adapterstilts.runs.records import Record, read_record
from adapterstilts.stages.training.completion import Completion

_REMEDY = "Delete the checkpoint's folder and repeat the command: it goes on from the one before."
_CPU, _CUDA = "cpu", "cuda"


class _Optimiser(Record):
    """What is no tensor: number of a parameter to names and values, and the groups of parameters."""

    state: dict[str, dict[str, Any]]
    param_groups: list[dict[str, Any]]


class _Schedule(Record):
    last_epoch: int


class _Numbers(Record):
    """States of Python's and numpy's generators."""

    python: tuple[int, list[int], float | None]
    numpy: tuple[str, list[int], int, int, float]


class PlainState(Trainer):
    """A `Trainer` whose checkpoints hold what another process needs to go on, in files that can be read safely.

    Attributes:
        completion: What writes tensors, and finishes checkpoints.
    """

    completion: Completion

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not self.args.should_save:
            return
        self._write_state(self.optimizer.state_dict(), Path(output_dir))

    def _write_state(self, state: Mapping[str, Any], folder: Path) -> None:
        save_optimiser(state, folder, self.completion.save)
        write_json(folder / "scheduler.json", self.lr_scheduler.state_dict())

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        folder = Path(checkpoint)
        self._put_back(load_optimiser(folder))
        schedule = read_record(folder / "scheduler.json", _Schedule, remedy=_REMEDY)
        self.lr_scheduler.load_state_dict(schedule.model_dump())

    def _put_back(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state)

    def _save_rng_state(self, output_dir: str) -> None:
        save_random(Path(output_dir), self.args.process_index)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_random(Path(checkpoint), self.args.process_index)


def save_optimiser(state: Mapping[str, Any], folder: Path, save: Save = save_tensors) -> None:
    """Writes what `torch.optim.Optimizer.state_dict` gives.

    Args:
        save: What writes tensors; it is given the optimiser's own ones.
    """
    tensors: dict[str, torch.Tensor] = {}
    others: dict[str, dict[str, Any]] = {}
    written: set[int] = set()
    for number, values in state["state"].items():
        others[str(number)] = {}
        for name, value in _flat(values):
            if torch.is_tensor(value):
                tensor = value.detach()
                shared = tensor.data_ptr() in written  # one table for all, which a file of tensors does not know
                written.add(tensor.data_ptr())
                tensors[f"{number}.{name}"] = tensor.clone() if shared else tensor
            else:
                others[str(number)][name] = value
    save(tensors, folder / "optimizer.safetensors")
    write_json(folder / "optimizer.json", {"state": others, "param_groups": state["param_groups"]})


def load_optimiser(folder: Path) -> dict[str, Any]:
    """What `save_optimiser` wrote.

    Raises:
        StoreError: A file is damaged.
    """
    plain = read_record(folder / "optimizer.json", _Optimiser, remedy=_REMEDY)
    state: dict[int, dict[str, Any]] = {int(number): dict(values) for number, values in plain.state.items()}
    for name, tensor in _tensors(folder / "optimizer.safetensors").items():
        number, _, own = name.partition(".")
        state[int(number)][own] = tensor
    groups = [
        {name: value if name == "params" else _as_tuple(value) for name, value in group.items()}
        for group in plain.param_groups
    ]
    return {"state": state, "param_groups": groups}


def save_random(folder: Path, process: int) -> None:
    """Writes the states of all generators of random numbers.

    Args:
        process: Number of the process among those that train together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {_CPU: torch.random.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"{_CUDA}.{number}": one for number, one in enumerate(torch.cuda.random.get_rng_state_all())}
    save_tensors(tensors, folder / f"random-{process}.safetensors")
    name, keys, *rest = np.random.get_state(legacy=True)
    version, internal, gauss = random.getstate()
    numbers = {"python": [version, list(internal), gauss], "numpy": [name, keys.tolist(), *rest]}  # type: ignore[union-attr]
    (folder / f"random-{process}.json").write_text(json.dumps(numbers), encoding="ascii")


def has_random(folder: Path, process: int) -> bool:
    """Whether `save_random` has written there; processes that train together need no such states."""
    return (folder / f"random-{process}.json").is_file()


def load_random(folder: Path, process: int) -> None:
    """Sets all generators to what `save_random` wrote.

    Raises:
        StoreError: A file is damaged.
    """
    path = folder / f"random-{process}.json"
    try:
        numbers = _Numbers.model_validate_json(read_file(path))
    except (OSError, ValidationError) as error:
        raise StoreError(f"{path} cannot be read ({error}).", remedy=_REMEDY) from error
    version, internal, gauss = numbers.python
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = numbers.numpy
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))  # type: ignore[arg-type]
    tensors = _tensors(folder / f"random-{process}.safetensors")
    torch.random.set_rng_state(tensors[_CPU])
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            if (state := tensors.get(f"{_CUDA}.{number}")) is not None:
                torch.cuda.random.set_rng_state(state, number)


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What there is of a parameter; bitsandbytes puts some of it together under a name, and reads it without that."""
    for name, value in values.items():
        yield from value.items() if isinstance(value, Mapping) else [(name, value)]


def _as_tuple(value: Any) -> Any:
    """Pairs such as AdamW's betas, which JSON keeps as lists."""
    return tuple(value) if type(value) is list else value


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be read ({error}).", remedy=_REMEDY) from error
