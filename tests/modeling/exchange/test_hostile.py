"""Folders that are damaged, or were made to harm: each wrong thing is an error that says what it is."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterstilts.errors import AstiltsError, CompatibilityError, SharingError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.blocks import ModelDescription
from adapterstilts.modeling.exchange.headers import MOST_HEADER_BYTES, read_header
from adapterstilts.modeling.exchange.importing import import_model
from adapterstilts.modeling.exchange.recognising import recognise
from adapterstilts.modeling.exchange.weights import unpickled
from tests.conftest import save_tiny_backbone
from tests.modeling.exchange.models import HEADS, TASK, comes_back, exported, new_model, spec

FILE = {"seq_bn": "adapter.safetensors", "peft:lora": "adapter_model.safetensors", "full": "model.safetensors"}


@dataclass(frozen=True)
class Made:
    """An exported run."""

    folder: Path
    description: ModelDescription
    backbone: Backbone

    def changed(self, method: str, to: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> Path:
        """A copy of the folder in whose file of tensors something is otherwise."""
        shutil.copytree(self.folder, to)
        tensors = load_file(to / FILE[method])
        save_file(change(tensors) or tensors, to / FILE[method])
        return to


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("tiny") / "backbone")))


@pytest.fixture(scope="module")
def made(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    found = {}
    for method in FILE:
        model = new_model(backbone, spec(method), {TASK: HEADS["token"]})
        run, _, folder = exported(model, backbone, tmp_path_factory.mktemp("made") / "one")
        found[method] = Made(folder, run.description, backbone)
    return found


def first(tensors: dict[str, torch.Tensor]) -> str:
    return max(tensors, key=lambda name: tensors[name].numel())


def longer(tensors: dict[str, torch.Tensor]) -> None:
    name = first(tensors)
    tensors[name] = torch.cat([tensors[name], tensors[name]])


def whole_numbers(tensors: dict[str, torch.Tensor]) -> None:
    tensors[first(tensors)] = tensors[first(tensors)].to(torch.int32)


def not_a_number(tensors: dict[str, torch.Tensor]) -> None:
    tensors[first(tensors)].view(-1)[3] = torch.nan


def infinite(tensors: dict[str, torch.Tensor]) -> None:
    tensors[first(tensors)].view(-1)[3] = torch.inf


def one_more(tensors: dict[str, torch.Tensor]) -> None:
    tensors["evil.weight"] = torch.zeros(3)


def one_fewer(tensors: dict[str, torch.Tensor]) -> None:
    del tensors[first(tensors)]


CHANGES: dict[str, tuple[Callable[..., Any], type[AstiltsError], str]] = {
    "shape": (longer, CompatibilityError, "has the shape .* is due"),
    "type": (whole_numbers, CompatibilityError, "is of type I32, and F32 or F16 or BF16 is due"),
    "nan": (not_a_number, SharingError, "infinite or none"),
    "inf": (infinite, SharingError, "infinite or none"),
    "more": (one_more, CompatibilityError, "evil.weight that the model has no place for"),
    "fewer": (one_fewer, CompatibilityError, "has no tensor"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("method", FILE)
def test_a_wrong_tensor_is_named(method: str, change: str, made: dict[str, Made], tmp_path: Path) -> None:
    act, kind, words = CHANGES[change]
    folder = made[method].changed(method, tmp_path / "copy", act)
    with pytest.raises(kind, match=words):
        import_model(folder, made[method].description, made[method].backbone)


def test_half_precision_stays(made: dict[str, Made], backbone: Backbone, tmp_path: Path) -> None:
    for type_ in (torch.float16, torch.bfloat16):
        folder = made["peft:lora"].changed(
            "peft:lora",
            tmp_path / str(type_),
            lambda tensors: {name: tensor.to(type_) for name, tensor in tensors.items()},  # noqa: B023
        )
        found = import_model(folder, made["peft:lora"].description, backbone)
        assert {tensor.dtype for tensor in found.values()} == {type_}


@pytest.mark.parametrize("method", ["seq_bn", "loreft", "peft:lora", "peft:adalora", "full", "bitfit"])
def test_a_run_in_half_precision_comes_back(method: str, backbone: Backbone, tmp_path: Path) -> None:
    from adapterstilts.modeling.exchange.exporting import export_model
    from adapterstilts.modeling.storage import WEIGHTS
    from tests.modeling.exchange.models import stored

    run = stored(new_model(backbone, spec(method), {TASK: HEADS["span"]}), tmp_path / "run")
    halves = {name: tensor.half() for name, tensor in load_file(run.folder / WEIGHTS).items()}
    if method == "peft:adalora":  # what the library does not save
        halves |= {name: tensor.float() for name, tensor in halves.items() if ".ranknum." in name}
    save_file(halves, run.folder / WEIGHTS)
    export_model(run, backbone, tmp_path / "out", labels={}, base="x/y", revision=None)
    comes_back(run, backbone, tmp_path / "out")


@pytest.mark.parametrize("sizes", [{"layers": 3}, {"hidden_size": 64}])
@pytest.mark.parametrize("method", FILE)
def test_another_depth_or_width_is_refused(
    method: str, sizes: dict[str, int], made: dict[str, Made], tmp_path: Path
) -> None:
    other = locate_backbone(str(save_tiny_backbone(tmp_path / "other", **sizes)))
    with pytest.raises(CompatibilityError, match="another backbone"):
        import_model(made[method].folder, made[method].description, other)
    config = other.config()
    told = {"hidden_size": config.hidden_size, "num_hidden_layers": config.num_hidden_layers}
    pretending = made[method].description.model_copy(update={**told, "backbone": other.fingerprint})
    with pytest.raises(CompatibilityError, match=r"is due|has no tensor"):
        import_model(made[method].folder, pretending, other)


def written(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    content = header if type(header) is bytes else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if length is None else length) + content + data


def tensor(start: int, end: int, shape: Any = (2,), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


HEADERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "has 0 bytes"),
    "cut": (b"\x10\x00", "has 2 bytes"),
    "header behind the end": (written({}, length=1000), "fewer than"),
    "giant length": (written({}, length=2**63), "fewer than"),
    "huge header": (written(b" " * (MOST_HEADER_BYTES + 1)), "are the most"),
    "no JSON": (written(b"{"), "is not JSON"),
    "not UTF-8": (written(b"\xff\xfe"), "is not JSON"),
    "a list": (written([]), "is list where an object is due"),
    "null": (written(None), "NoneType"),
    "deep": (written(b"[" * 100_000), "nested too deeply|not JSON"),
    "twice": (written(b'{"a": {}, "a": {}}'), "occurs twice"),
    "no offsets": (written({"a": {"dtype": "F32", "shape": [1]}}), "data_offsets"),
    "more fields": (written({"a": tensor(0, 8) | {"x": 1}}, b"\0" * 8), "a.x"),
    "text as a size": (written({"a": tensor(0, 8, ["2"])}, b"\0" * 8), "valid integer"),
    "a fraction": (written({"a": tensor(0, 8, [2.0])}, b"\0" * 8), "valid integer"),
    "negative": (written({"a": tensor(0, 8, [-1, -2])}, b"\0" * 8), "takes"),
    "an unknown type": (written({"a": tensor(0, 8, [2], "C64")}, b"\0" * 8), "'C64'"),
    "type of the wrong type": (written({"a": tensor(0, 8, [2], 3)}, b"\0" * 8), "valid string"),
    "wrong size": (written({"a": tensor(0, 8, [3])}, b"\0" * 8), "takes 12 bytes"),
    "astronomic": (written({"a": tensor(0, 8, [10**30, 10**30])}, b"\0" * 8), "takes"),
    "overlap": (written({"a": tensor(0, 8), "b": tensor(4, 12)}, b"\0" * 12), "overlaps"),
    "gap": (written({"a": tensor(0, 8), "b": tensor(12, 20)}, b"\0" * 20), "leaves a gap"),
    "backwards": (written({"a": tensor(8, 0)}, b"\0" * 8), "takes"),
    "too little": (written({"a": tensor(0, 8)}, b"\0" * 4), "end at byte 8 of 4"),
    "too much": (written({"a": tensor(0, 8)}, b"\0" * 12), "end at byte 8 of 12"),
    "metadata": (written({"__metadata__": {"a": 1}}), "__metadata__|valid string"),
    "metadata list": (written({"__metadata__": []}), "__metadata__"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_wrong_header_is_refused_before_it_is_read(name: str, tmp_path: Path) -> None:
    content, words = HEADERS[name]
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(content)
    with pytest.raises(SharingError, match=words):
        read_header(path)


def test_a_header_of_a_good_file_is_read(tmp_path: Path) -> None:
    tensors = {"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.float16), "none": torch.zeros(0)}
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    found = read_header(tmp_path / "x.safetensors")
    assert {name: (entry.dtype, entry.shape) for name, entry in found.items()} == {
        "a": ("F32", (2, 3)), "b": ("F16", (4,)), "none": ("F32", (0,)),
    }  # fmt: skip


NO_CONFIGS: dict[str, Any] = {
    "null": b"null", "list": b"[]", "text": b'"x"', "number": b"1", "empty": b"", "nan": b'{"peft_type": NaN}',
    "infinity": b'{"peft_type": Infinity}', "deep": b'{"a":' * 100_000, "digits": b'{"a": ' + b"9" * 10_000 + b"}",
    "binary": bytes(range(256)), "twice": b'{"name": "a", "name": "b"}', "huge": b" " * (5 << 20),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_CONFIGS)
def test_a_config_that_is_none_is_refused(name: str, backbone: Backbone, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_bytes(NO_CONFIGS[name])
    with pytest.raises(SharingError):
        recognise(tmp_path, backbone, name="x")


VALUES: list[Any] = [
    None, [], {}, "", "../../../etc/passwd", 0, -1, 10**40, 1e308, True, False, [[[[]]]], {"a": {"b": {}}}, "a" * 1_000,
    ["x", None], {"default": -1},
]  # fmt: skip


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "adapter_config.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["seq_bn", "peft:lora"])
@pytest.mark.filterwarnings("ignore")
def test_any_value_of_any_field_is_read_or_an_error(method: str, made: dict[str, Made], tmp_path: Path) -> None:
    """Whatever stands in a field, nothing but our own errors comes out."""
    shutil.copytree(made[method].folder, tmp_path / "copy")
    told, backbone = config_of(tmp_path / "copy"), made[method].backbone
    inside = told["config"] if method == "seq_bn" else {}
    places = [(where, field) for where in (told, inside) for field in where]
    outcomes = []
    for number, (where, field) in enumerate(places):
        before = where[field]
        for value in VALUES[number % 4 :: 4]:
            where[field] = value
            (tmp_path / "copy/adapter_config.json").write_text(json.dumps(told))
            try:
                found = recognise(tmp_path / "copy", backbone, name=TASK)
                import_model(tmp_path / "copy", found.description, backbone)
                outcomes.append("read")
            except AstiltsError as error:
                assert len(str(error)) < 2_500, error
                outcomes.append("refused")
        where[field] = before
    assert {"read", "refused"} == set(outcomes) and len(outcomes) > 100


def adapters_block(kind: str, *names: str, method: str = "seq_bn", **options: Any) -> dict[str, Any]:
    described = {"name": method, "options": options}
    return {"kind": kind, "adapters": [{"name": name, "method": described} for name in names]}


DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "no such head": {"heads": {"x": {"name": "nothing", "outputs": 2}}},
    "no such option of a head": {"heads": {"x": {"name": "token", "outputs": 2, "options": {"x": 1}}}},
    "fewer than no outputs": {"heads": {"x": {"name": "token", "outputs": -2}}},
    "too many outputs": {"heads": {"x": {"name": "token", "outputs": 10**12}}},
    "a name with a dot": {"heads": {"x.y": {"name": "token", "outputs": 2}}},
    "no such method": {"blocks": [adapters_block("adapter", "x", method="nothing")]},
    "a method without adapter": {"blocks": [adapters_block("adapter", "x", method="full")]},
    "two libraries": {
        "blocks": [adapters_block("adapter", "x", method="peft:lora"), adapters_block("adapter", "y")],
    },
    "twice the same name": {"blocks": [adapters_block("fuse", "x", "x")]},
    "thousands of adapters": {"blocks": [adapters_block("adapter", f"x{number}") for number in range(5_000)]},
    "a size that is none": {"blocks": [adapters_block("adapter", "x", method="lora", r=-3)]},
    "merged where nothing merges": {"blocks": [adapters_block("merged", "x")]},
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_of_no_model_is_refused(name: str, made: dict[str, Made]) -> None:
    one = made["seq_bn"]
    told = one.description.model_dump() | DESCRIPTIONS[name]
    with pytest.raises(AstiltsError):
        import_model(one.folder, ModelDescription.model_validate(told), one.backbone)


@pytest.mark.parametrize("value", [None, [], 3, "x", {}, {"head_type": "tagging", "num_labels": 10**30}])
def test_any_config_of_a_head_is_read_or_left_out(value: Any, made: dict[str, Made], tmp_path: Path) -> None:
    shutil.copytree(made["seq_bn"].folder, tmp_path / "copy")
    told = json.loads((tmp_path / "copy/head_config.json").read_text())
    (tmp_path / "copy/head_config.json").write_text(json.dumps(told | {"config": value}))
    found = recognise(tmp_path / "copy", made["seq_bn"].backbone, name=TASK)
    assert found.description.heads == {} and found.left_out


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*)*x", "(a|a)*", ".*.*.*.*", "a?" * 4, "(a|a)" * 20, "a" * 301])
def test_a_pattern_that_never_ends_is_not_looked_up(pattern: str, made: dict[str, Made], tmp_path: Path) -> None:
    one = made["peft:lora"]
    shutil.copytree(one.folder, tmp_path / "copy")
    told = config_of(tmp_path / "copy")
    for field, value in (("rank_pattern", {pattern: 3}), ("exclude_modules", pattern), ("layers_pattern", [pattern])):
        (tmp_path / "copy/adapter_config.json").write_text(json.dumps(told | {field: value}))
        with pytest.raises(SharingError, match="no plain name"):
            recognise(tmp_path / "copy", one.backbone, name=TASK)
    block = adapters_block("adapter", TASK, method="peft:lora", target_modules=pattern)
    described = ModelDescription.model_validate(one.description.model_dump() | {"blocks": [block]})
    with pytest.raises(SharingError, match="no plain name"):
        import_model(one.folder, described, one.backbone)


def test_a_usual_pattern_is_looked_up(backbone: Backbone, tmp_path: Path) -> None:
    method = spec("peft:lora", target_modules=r".*attention\.self\.(query|value)")
    run, _, folder = exported(new_model(backbone, method, {TASK: HEADS["token"]}), backbone, tmp_path / "one")
    comes_back(run, backbone, folder)


def test_a_shard_that_is_missing_is_said(made: dict[str, Made], tmp_path: Path) -> None:
    shutil.copytree(made["full"].folder, tmp_path / "copy")
    (tmp_path / "copy/model.safetensors").rename(tmp_path / "copy/model-00001-of-00002.safetensors")
    with pytest.raises(SharingError, match="all parts of it"):
        import_model(tmp_path / "copy", made["full"].description, made["full"].backbone)


def test_a_frozen_weight_that_was_changed_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    model = new_model(backbone, spec("bitfit"), {TASK: HEADS["token"]})
    run, _, folder = exported(model, backbone, tmp_path / "one")
    tensors = load_file(folder / "model.safetensors")
    tensors["roberta.encoder.layer.0.output.dense.weight"][0, 0] += 1
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CompatibilityError, match="not trained by the method"):
        import_model(folder, run.description, backbone)


class Evil:
    def __reduce__(self) -> Any:
        return (open, ("evil", "w"))


def test_a_pickle_is_read_as_tensors_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (
        ("object", {"a": Evil()}),
        ("list", [1]),
        ("number", {"a": 1}),
        ("names", {1: torch.ones(1)}),
    ):
        torch.save(content, tmp_path / name)
        with pytest.raises(SharingError):
            unpickled(tmp_path / name)
    (tmp_path / "plain").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "text").write_text("nothing")
    np.save(tmp_path / "numpy.npy", np.zeros(3))
    for name in ("plain", "text", "numpy.npy"):
        with pytest.raises(SharingError):
            unpickled(tmp_path / name)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_read_where_that_is_allowed(zipped: bool, made: dict[str, Made], tmp_path: Path) -> None:
    one = made["peft:lora"]
    shutil.copytree(one.folder, tmp_path / "copy")
    expected = import_model(one.folder, one.description, one.backbone)
    tensors = load_file(tmp_path / "copy/adapter_model.safetensors")
    (tmp_path / "copy/adapter_model.safetensors").unlink()
    torch.save(tensors, tmp_path / "copy/adapter_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(SharingError, match="cannot be read"):
        import_model(tmp_path / "copy", one.description, one.backbone)
    assert recognise(tmp_path / "copy", one.backbone, name=TASK, allow_pickle=True).description == one.description
    found = import_model(tmp_path / "copy", one.description, one.backbone, allow_pickle=True)
    assert all(torch.equal(found[name], expected[name]) for name in expected) and len(found) == len(expected)


def test_a_tensor_of_a_pickle_that_repeats_one_number_is_measured_first(made: dict[str, Made], tmp_path: Path) -> None:
    one = made["peft:lora"]
    shutil.copytree(one.folder, tmp_path / "copy")
    tensors = load_file(tmp_path / "copy/adapter_model.safetensors")
    (tmp_path / "copy/adapter_model.safetensors").unlink()
    tensors[first(tensors)] = torch.zeros(1).expand(10**12)
    torch.save(tensors, tmp_path / "copy/adapter_model.bin")
    with pytest.raises(CompatibilityError, match="has the shape"):
        import_model(tmp_path / "copy", one.description, one.backbone, allow_pickle=True)
