"""What reads files and words of others, each with good ones to begin with.

Whatever is done to these, it is an error that explains itself, or it is taken; no other exception comes out.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
import yaml

from adapterstilts.cli.main import astilts
from adapterstilts.cli.run_file import read_commands
from adapterstilts.commands.options import IntermediateOptions, TransferOptions, TransferTasks, read_all
from adapterstilts.commands.runs import import_runs
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.errors import AstiltsError
from adapterstilts.metrics import submission
from adapterstilts.metrics.classification_files import read_label_lists, read_numbers
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.methods import METHODS, parse_method
from adapterstilts.runs.store import RunStore
from adapterstilts.sharing.package import open_package
from adapterstilts.sharing.registry import Registry
from adapterstilts.studies.definition import load_study
from adapterstilts.tasks.catalogue import Catalogue
from tests.data.test_release_formats import GOOD
from tests.faults.mutations import (
    EXECUTABLE,
    evil_archive,
    mutate_file,
    mutate_folder,
    mutated_bytes,
    mutated_value,
    mutated_words,
)
from tests.package_tasks import recipe

Attempt = Callable[[Path, Random], str]
"""Does something hostile in an empty folder; gives what it was. Any error but `AstiltsError` is a fault."""


def release(folder: Path, rng: Random) -> str:
    """A release file, read as its format or guessed."""
    name = rng.choice(sorted(GOOD))
    format_name, contents, options, *_ = GOOD[name]
    number = rng.randrange(len(contents))
    paths = []
    for at, content in enumerate(contents):
        data = json.dumps(content) if isinstance(content, dict | list) else content
        data = data if isinstance(data, bytes) else data.encode()
        paths.append(folder / f"file{at}")
        paths[-1].write_bytes(mutated_bytes(data, rng) if at == number else data)
    said = f"{name}, file {number}"
    if rng.random() < 0.05:
        said += f": {mutate_file(paths[number], rng)}"
    own = dict(options)
    language = own.pop("language", "en")
    try:
        list(FORMATS.get(format_name)(tuple(paths), language, BadRows(skip=rng.random() < 0.5), **own))
    finally:
        if len(paths) == 1 and os.path.lexists(paths[0]):
            named = paths[0].rename(folder / f"data{rng.choice(('.csv', '.tsv', '.json', '.jsonl', '.txt', '.conll'))}")
            guess_format(named, ("text_a", "text_b", "label"))
    return said


SUBMISSIONS: Mapping[str, tuple[Callable[[Path], Any], bytes]] = {
    "labels": (submission.read_lines, b"entailment\nneutral\n"),
    "tags": (submission.read_tags, b"B-PER\nO\n\nO\n"),
    "pairs": (submission.read_pairs, b"de-1\ten-2\nde-2\ten-1\n"),
    "answers": (submission.read_answers, b'{"q1": "Bob", "q2": ""}'),
    "rankings": (submission.read_rankings, b'{"q1": ["c1", "c2"]}'),
    "gold": (submission.read_gold_answers, json.dumps({"data": [{"paragraphs": [{"qas": [
        {"id": "q", "answers": [{"text": "Bob"}]}]}]}]}).encode()),
    "label lists": (read_label_lists, b'{"a": ["x", "y"], "b": []}'),
    "numbers": (read_numbers, b"1.5\n-2\n"),
}  # fmt: skip


def submitted(folder: Path, rng: Random) -> str:
    """A file of a submission."""
    name = rng.choice(sorted(SUBMISSIONS))
    read, content = SUBMISSIONS[name]
    path = folder / "test-de.tsv"
    path.write_bytes(content)
    said = mutate_file(path, rng)
    read(path)
    return f"{name}: {said}"


def _text(value: Any, rng: Random) -> bytes:
    """YAML: its own form, or with a fault in its values as JSON, which is YAML too."""
    if rng.random() < 0.4:
        return yaml.safe_dump(value).encode()
    return json.dumps(mutated_value(value, rng)).encode()


def recipes(folder: Path, rng: Random) -> str:
    """A `task.yaml`."""
    name = rng.choice(("squad", "mnli", "udpos", "tatoeba", "xcopa"))
    values = json.loads(recipe(name).model_dump_json(exclude_defaults=True))
    path = folder / "mine" / "task.yaml"
    path.parent.mkdir()
    values["name"] = "mine"
    path.write_bytes(_text(values, rng))
    said = "values" if rng.random() < 0.5 else mutate_file(path, rng)
    catalogue = Catalogue.load([folder])
    with catalogue.in_use():
        catalogue.recipe("mine").build_kind()
    return f"{name}: {said}"


STUDY = {"title": "T", "question": "Q", "axes": {"from": ["squad"], "to": ["mlqa"], "seed": [1]}, "claims": [
    {"text": "x", "mean": {"from": ["squad"]}, "margin": 1.0}]}  # fmt: skip
COMMAND = {"command": "transfer", "from": ["squad", "mnli"], "to": "mlqa", "epochs": 2, "select": True}


def written(folder: Path, rng: Random) -> str:
    """A study or a command of a file."""
    study = rng.random() < 0.5
    path = folder / "own.yaml"
    value = STUDY if study else COMMAND
    path.write_bytes(_text(value, rng))
    said = mutate_file(path, rng)
    if study:
        list(load_study(str(path)).combinations())
    else:
        read_commands(path, astilts)
    return f"{'study' if study else 'command'}: {said}"


METHOD_TEXTS = ("seq_bn[reduction_factor=8,leave_out=0-3]", "peft:lora[r=8,target_modules=query+value]",
                "mam[adapter.dropout=0.1]",
                "loreft[r=2]", "full", "prompt_tuning[prompt_length=10]", "compacter[phm_dim=4]")  # fmt: skip
OPTIONS = {
    "from_": "squad,mnli@0123", "to": "mlqa,xnli", "languages": "en,de,-nqo", "epochs": "2", "learning_rate": "1e-4",
    "seeds": "3", "shots": "de=10,50", "task_option": "multi_label=true", "layer": "14/24", "store": "runs",
    "weight_decay": "0",
    "language_adapter": "de=0123", "test": "de=a.csv,es=b.csv", "max_steps": "10", "choices": "a,b", "batch_size": "8",
}  # fmt: skip


def words(folder: Path, rng: Random) -> str:
    """Options of the command line, and methods with theirs."""
    if rng.random() < 0.4:
        text = mutated_words(rng.choice(METHOD_TEXTS), rng)
        spec = parse_method(text)
        METHODS.get(spec.name).normalize(spec)
        return f"--method {text[:100]!r}"
    name = rng.choice(sorted(OPTIONS))
    given = {"from_": "squad", "to": "mlqa", name: mutated_words(OPTIONS[name], rng)}
    options = TransferOptions if name in TransferOptions.model_fields or rng.random() < 0.8 else IntermediateOptions
    read_all([TransferTasks, options], given)
    return f"{name}={given[name][:100]!r}"


@dataclass(frozen=True)
class Copied:
    """What reads a folder, of which a copy is changed.

    Attributes:
        original: It is not changed.
    """

    original: Path
    read: Callable[[Path], Any]

    def __call__(self, folder: Path, rng: Random) -> str:
        """Copies, changes and reads."""
        copy = shutil.copytree(self.original, folder / "copy", symlinks=True)
        said = mutate_folder(copy, rng)
        self.read(copy)
        return said


def read_store(root: Path) -> None:
    """All that `astilts runs` and `astilts runs show` look at."""
    store = RunStore(root)
    store.unreadable()
    for run in store.runs():
        run.check()
        assert run.key and run.metrics is not None and run.provenance is not None


PLAIN: Mapping[str, Attempt] = {
    "release files": release, "submissions": submitted, "recipes": recipes, "studies, commands": written,
    "options": words,
}  # fmt: skip


def package(original: Path) -> Attempt:
    """A folder of a shared model."""
    return Copied(original, open_package)


def stored(original: Path) -> Attempt:
    """A store with runs."""
    return Copied(original, read_store)


def archive(original: Path) -> Attempt:
    """A file of exported runs."""

    def attempt(folder: Path, rng: Random) -> str:
        file = folder / "runs.tar"
        if rng.random() < 0.5:
            shutil.copy(original, file)
            said = mutate_file(file, rng)
        else:
            said = evil_archive(original, file, rng)
        try:
            import_runs(RunStore(folder / "a" / "store"), file)
        finally:
            assert {path.name for path in folder.iterdir()} <= {"runs.tar", "a"}, "written elsewhere"
            assert [path.name for path in folder.glob("a/*")] in ([], ["store"]), "written elsewhere"
        return said

    return attempt


def registered(original: Path) -> Attempt:
    """A registry, of which the models are listed and fetched."""

    def read(copy: Path) -> None:
        registry = Registry(str(copy))
        for number, entry in enumerate(registry.entries()):
            registry.download(entry, copy.with_name(f"got{number}"))
            open_package(copy.with_name(f"got{number}"))

    return Copied(original, read)


def read_backbone(folder: Path) -> None:
    """All that is read of a backbone."""
    backbone = locate_backbone(str(folder))
    backbone.config()
    backbone.tokenizer()
    backbone.encoder(torch.float32)


def with_code(original: Path, read: Callable[[Path], Any]) -> Attempt:
    """A folder to which files that run code when they are trusted were added, and whose configuration names them."""

    def attempt(folder: Path, rng: Random) -> str:
        copy = shutil.copytree(original, folder / "copy", symlinks=True)
        names = rng.sample(sorted(EXECUTABLE), 3)
        for name in names:
            (copy / name).write_bytes(EXECUTABLE[name])
        for weights in copy.rglob("*.safetensors"):
            if rng.random() < 0.5:  # so that the pickle beside it is the only one
                weights.unlink()
        for path in copy.rglob("config.json"):
            values = json.loads(path.read_bytes())
            path.write_text(
                json.dumps({**values, "auto_map": {"AutoConfig": "configuration.C", "AutoModel": "modeling.M"}})
            )
        read(copy)
        return ", ".join(names)

    return attempt


# From a folder with `store`, `package`, `registry` and `runs.tar`, and that of a backbone.
BUILT: Mapping[str, Callable[[Path, Path], Attempt]] = {
    "packages": lambda made, backbone: package(made / "package"),
    "stores": lambda made, backbone: stored(made / "store"),
    "registries": lambda made, backbone: registered(made / "registry"),
    "archives": lambda made, backbone: archive(made / "runs.tar"),
    "backbones": lambda made, backbone: Copied(backbone, read_backbone),
    "packages with code": lambda made, backbone: with_code(made / "package", open_package),
    "backbones with code": lambda made, backbone: with_code(backbone, read_backbone),
}


def tried(attempt: Attempt, folder: Path, seed: int) -> str | None:
    """What a hostile attempt was refused with, if it was.

    Raises:
        Exception: One that is not meant: a fault.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        attempt(folder, Random(seed))
    except AstiltsError as error:
        return str(error)
    return None


def faults(attempts: Mapping[str, Attempt], folder: Path, seeds: Sequence[int]) -> list[str]:
    """Errors that are not meant, with what finds them again."""
    found = []
    for name, attempt in attempts.items():
        for seed in seeds:
            try:
                tried(attempt, folder, seed)
            except Exception as error:
                found.append(f"{name}, seed {seed}: {type(error).__name__}: {str(error)[:200]}")
    return found
