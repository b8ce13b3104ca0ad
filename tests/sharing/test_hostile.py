"""Folders that strangers made, or that are broken: each its own clear error, nothing executed, nothing left behind."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import adapterstilts
from adapterstilts.errors import AstiltsError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.store import RunStore
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.package import open_package
from tests.sharing.shared_models import WEIGHTS, attested, header, rewrite, said, tensors

DOWN = "encoder.layer.0.output.adapters.squad.adapter_down.0.weight"


class Payload:
    """What a pickle can hold: a call."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.marker}",))


def only_pickle(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    with (folder / "pytorch_adapter.bin").open("wb") as file:
        pickle.dump(Payload(folder.parent / "marker"), file)
    attested(folder)


def truncated(folder: Path) -> None:
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    attested(folder)


def giant_header(folder: Path) -> None:
    path = folder / WEIGHTS
    path.write_bytes(struct.pack("<Q", 1 << 62) + path.read_bytes()[8:])
    attested(folder)


def first(values: dict[str, Any]) -> str:
    return min(name for name in values if name != "__metadata__")


def overlapping(folder: Path) -> None:
    def change(values: dict[str, Any]) -> dict[str, Any]:
        names = sorted((name for name in values if name != "__metadata__"), key=lambda n: values[n]["data_offsets"])
        small, other = names[0], next(n for n in names[1:] if values[n]["shape"] == values[names[0]]["shape"])
        values[other]["data_offsets"] = values[small]["data_offsets"]
        return values

    header(folder, change)


def of_header(name: str, value: Any) -> Callable[[Path], None]:
    """Changes one fact about the first tensor."""

    def change(values: dict[str, Any]) -> dict[str, Any]:
        values[first(values)][name] = value
        return values

    return lambda folder: header(folder, change)


def filled(value: float) -> Callable[[Path], None]:
    def change(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {**found, first(found): torch.full_like(found[first(found)], value)}

    return lambda folder: tensors(folder, change)


def without_first(folder: Path) -> None:
    tensors(folder, lambda found: {name: one for name, one in found.items() if name != first(found)})


def with_more(folder: Path) -> None:
    tensors(folder, lambda found: {**found, "roberta.embeddings.word_embeddings.weight": torch.zeros(3, 3)})


def wider(folder: Path) -> None:
    tensors(folder, lambda found: {**found, first(found): torch.zeros(99)})


def in_numbers(kind: torch.dtype) -> Callable[[Path], None]:
    return lambda folder: tensors(folder, lambda found: {**found, first(found): found[first(found)].to(kind)})


def changed(folder: Path) -> None:
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")


def missing(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def written(name: str, text: str | bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        data = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(data)

    return write


def linked(folder: Path) -> None:
    (folder / "vocab.txt").symlink_to("/etc/passwd")


def linked_folder(folder: Path) -> None:
    (folder / "parts").symlink_to("/etc")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "vocab.txt")


def many_files(folder: Path) -> None:
    for number in range(1_001):
        (folder / f"{number}.txt").touch()


def own(*path: str | int, to: Any) -> Callable[[Path], None]:
    return lambda folder: said(folder, *path, to=to)


def of_method(options: dict[str, Any], name: str = "seq_bn") -> Callable[[Path], None]:
    """Another method in the description of the model, as the spec has it."""

    def change(folder: Path) -> None:
        method = {"name": name, "options": options, "unfreeze_backbone": False}
        said(folder, "model", "blocks", 0, "adapters", 0, "method", to=method)
        said(folder, "model", "method", to=method)

    return change


def called(name: str) -> Callable[[Path], None]:
    return own("model", "blocks", 0, "adapters", 0, "name", to=name)


def named_file(name: str) -> Callable[[Path], None]:
    return own("files", name, to={"bytes": 3, "sha256": "0" * 64})


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    # Pickles and files that are none.
    "weights as a pickle": (only_pickle, "pytorch_adapter.bin as a pickle only, which can hold code"),
    "a link to a file": (linked, "vocab.txt is a link"),
    "a link to a folder": (linked_folder, "parts is a link"),
    "a pipe": (pipe, "vocab.txt is no file"),
    "a thousand files": (many_files, "more than 1,000 files"),
    # Tensors.
    "truncated weights": (truncated, "tensors end at byte|takes .* bytes"),
    "a giant header": (giant_header, "fewer than the"),
    "overlapping tensors": (overlapping, "overlaps the tensor before it"),
    "a negative shape": (of_header("shape", [-1]), "takes -?"),
    "a shape of other size": (of_header("shape", [1 << 40, 1 << 40]), "takes .* bytes, and its"),
    "offsets that are none": (of_header("data_offsets", [0, "x"]), "data_offsets"),
    "an unknown type": (of_header("dtype", "PICKLE"), "is of type 'PICKLE'"),
    "a header that is a list": (lambda folder: header(folder, lambda _: [1]), "is list where an object is due"),
    "NaN weights": (filled(float("nan")), "infinite or none"),
    "infinite weights": (filled(float("inf")), "infinite or none"),
    "a tensor less": (without_first, "has no tensor"),
    "a tensor more": (with_more, "has no place for"),
    "another shape": (wider, "is due"),
    "whole numbers": (in_numbers(torch.int64), "is of type I64"),
    "double precision": (in_numbers(torch.float64), "F64"),
    # Contents that are not what they were.
    "changed weights": (changed, "is not what it was when the model was shared"),
    "no weights": (missing(WEIGHTS), "adapter.safetensors is missing|has no weights"),
    "no head": (missing("model_head.safetensors"), "model_head.safetensors is missing"),
    "no configuration": (missing("adapter_config.json"), "adapter_config.json is missing"),
    "a file that is not listed": (written("model.safetensors", b"x"), "is not among the files that astilts.json lists"),
    "a listed file outside": (named_file("../../../etc/passwd"), "etc/passwd is missing"),
    "a listed file at the root": (named_file("/etc/passwd"), "/etc/passwd is missing"),
    # What it says about itself.
    "nothing": (written("astilts.json", ""), "is not JSON"),
    "null": (written("astilts.json", "null"), "NoneType where an object is due"),
    "a list": (written("astilts.json", "[]"), "list where an object is due"),
    "half of it": (written("astilts.json", '{"format": 1, '), "is not JSON"),
    "deep nesting": (written("astilts.json", "[" * 100_000), "nested too deeply|is not JSON"),
    "five megabytes": (written("astilts.json", " " * (5 << 20)), "where 4,194,304 are the most"),
    "bytes that are no text": (written("astilts.json", b"\xff\xfe{}"), "is not JSON"),
    "a later version": (own("format", to=2), "has the format '2'.*Update adapterstilts"),
    "a version that is a text": (own("format", to="1"), "has the format '1', and this version"),
    "a version that is true": (own("format", to=True), "has the format 'True'"),
    "an unknown field": (own("run_this", to="rm -rf /"), "run_this: Extra inputs"),
    "another key": (own("key", to="0" * 64), "gives the key '000000000000' for a spec"),
    "a spec of another version": (own("spec", "version", to=9), "spec.version"),
    "a number that is none": (written("astilts.json", '{"format": 1, "x": NaN}'), "NaN is no number"),
    "a metric that is a text": (own("metrics", "validation", "f1", to="99"), "metrics.validation.f1|misshapen"),
    "two backbones": (own("base", "fingerprint", to="sha256:0"), "names different backbones"),
    "a name with a path": (called("../../x"), "cannot be the name of an adapter"),
    "a name with a dot": (called("a.b"), "cannot be the name of an adapter"),
    "a name with a line": (called("a\nb"), "control characters|cannot be the name"),
    "a task with a path": (own("spec", "tasks", 0, "data", "task", to="../../evil"), "cannot be the name of a task"),
    "a language with a path": (
        own("spec", "tasks", 0, "data", "fingerprints", to={"train": {"../../x": "f"}, "validation": {"en": "f"}}),
        "is no language",
    ),
    "signs that move the cursor": (own("base", "name", to="\x1b[2Jmini"), "control characters"),
    # What cannot be used here.
    "an unknown method": (of_method({}, name="rootkit"), "Unknown method 'rootkit'"),
    "an unknown option": (of_method({"exec": "x"}), "exec"),
    "an adapter of a terabyte": (of_method({"reduction_factor": 1e-12}), "reduction_factor|does not work|is due"),
    "a pattern that never ends": (
        of_method({"target_modules": "(a+)+$"}, name="peft:lora"),
        "which is no plain name of modules",
    ),
    "another depth": (own("model", "num_hidden_layers", to=24), "number of layers 24 there, 2 here"),
    "another width": (own("model", "hidden_size", to=1024), "hidden size 1024 there, 32 here"),
    "another architecture": (own("model", "model_type", to="gpt2"), "architecture 'gpt2' there"),
    "a head of other size": (own("model", "heads", "squad", "outputs", to=7), "is due|shape"),
    "a head of a million outputs": (own("model", "heads", "squad", "outputs", to=10**9), "are the most|outputs"),
}


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_broken_folder_is_refused(
    name: str, shared_folder: Path, tiny_backbone: Path, tmp_path: Path, marker: Path
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(shared_folder, folder)
    change, message = HOSTILE[name]
    change(folder)
    with pytest.raises(AstiltsError, match=message) as caught:
        adopt(folder, tiny_backbone, tmp_path / "store")
    assert caught.value.remedy and not marker.exists()
    assert len(str(caught.value)) < 700 and "\x1b" not in str(caught.value)
    assert not list((tmp_path / "store").glob("[!.]*")), "something was left in the store"


def adopt(folder: Path, backbone: Path, store: Path, **options: Any) -> Any:
    located = locate_backbone(str(backbone))
    adoption = Adoption(located, located.facts(Memory.of_user()), RunStore(store), **options)
    return adoption.adopt(open_package(folder, allow_pickle=options.get("allow_pickle", False)))


def test_what_was_not_changed_is_taken(shared_folder: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    assert adopt(shared_folder, tiny_backbone, tmp_path / "store").spec.stage == "shared"


def test_a_pickle_that_is_allowed_is_read_as_tensors_alone(
    shared_folder: Path, tiny_backbone: Path, tmp_path: Path, marker: Path
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(shared_folder, folder)
    only_pickle(folder)
    with pytest.raises(AstiltsError, match="pytorch_adapter.bin"):
        adopt(folder, tiny_backbone, tmp_path / "store", allow_pickle=True)
    assert not marker.exists()


def test_another_backbone_needs_to_be_meant(
    shared_folder: Path, other_backbone: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    with pytest.raises(AstiltsError, match=r"was trained on .*, which is not .*--base-differs"):
        adopt(shared_folder, other_backbone, tmp_path / "store")
    ours = adopt(shared_folder, tiny_backbone, tmp_path / "store")
    theirs = adopt(shared_folder, other_backbone, tmp_path / "store", base_differs=True)
    assert ours.key != theirs.key and theirs.spec.backbone == locate_backbone(str(other_backbone)).fingerprint


def test_a_card_is_never_run_and_a_checkpoint_names_no_code(
    shared_folder: Path, suite: dict[str, Any], tmp_path: Path, marker: Path
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(shared_folder, folder)
    (folder / "README.md").write_text(f"<script>fetch('http://x')</script>\n```bash\ntouch {marker}\n```")
    assert adapterstilts.info(str(folder), store=tmp_path / "store").made
    full = adapterstilts.train_intermediate("squad", method="full", **suite)
    adapterstilts.pull(full.key[:12], tmp_path / "full", store=suite["store"])

    def change(values: dict[str, Any]) -> dict[str, Any]:
        code = {"AutoModelForQuestionAnswering": "code.Model", "AutoModel": "code.Model", "AutoConfig": "code.Config"}
        return {**values, "auto_map": code, "_attn_implementation_internal": "evil/kernel", "model_type": "xlm-roberta"}

    rewrite(tmp_path / "full", "config.json", change)
    attested(tmp_path / "full")
    (tmp_path / "full/code.py").write_text(f"open({str(marker)!r}, 'w')")
    run = adopt(tmp_path / "full", Path(suite["backbone"]), tmp_path / "store")
    assert run.spec.method.name == "full" and not marker.exists()


def test_hostile_configurations_of_other_libraries(tiny_backbone: Path, shared_folder: Path, tmp_path: Path) -> None:
    for number, text in enumerate(
        ("null", "[]", "{}", '{"config": null}', '{"config": {"architecture": "../x"}}', '{"peft_type": "EVIL"}',
         '{"peft_type": "LORA", "r": 1e308}', '{"peft_type": "LORA", "r": "x"}', '{"config": ' + "[" * 5_000 + "}",
         json.dumps({"config": {"architecture": None, "reduction_factor": -1}, "name": "x"}),
         json.dumps({"peft_type": "LORA", "target_modules": "(a+)+$", "r": 8}),
         json.dumps({"peft_type": "LORA", "r": 8, "auto_mapping": {"parent_library": "os", "base_model_class": "x"}}))
    ):  # fmt: skip
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "adapter_config.json").write_text(text)
        name = "adapter_model.safetensors" if "peft_type" in text else WEIGHTS
        shutil.copyfile(shared_folder / WEIGHTS, folder / name)
        with pytest.raises(AstiltsError) as caught:
            adopt(folder, tiny_backbone, tmp_path / "store")
        assert caught.value.remedy, text[:80]
