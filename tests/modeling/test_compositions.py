"""Every pair of method and composition: it works and every source matters, or it is refused with a way out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from adapterstilts.errors import AstiltsError, CompatibilityError, UsageError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.compatibility import check_composition, check_language_adapter
from adapterstilts.modeling.composing import add_language_adapter, start_model
from adapterstilts.modeling.compositions import COMPOSITIONS
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import save_tiny_backbone
from tests.runs.test_specs import SQUAD, train_spec

SPAN = HeadSpec("span", 2)
# Small enough for a width of 64.
OPTIONS: dict[str, dict[str, Any]] = {
    "adapterplus": {"reduction_factor": 8},
    "compacter": {"reduction_factor": 8},
    "compacter++": {"reduction_factor": 8},
    "prefix_tuning": {"prefix_length": 3, "bottleneck_size": 8},
    "mam": {"prefix_tuning.bottleneck_size": 8},
    "unipelt": {"prefix_tuning.bottleneck_size": 8},
}
CHOICES = [
    *(Choice(name=name) for name in ("continue", "stack", "fuse", "average", "add", "merge")),
    Choice(name="fuse", options={"target": "one-step"}),
    Choice(name="merge", options={"kind": "arithmetic", "weights": [1.0, -0.5]}),
    Choice(name="merge", options={"kind": "svd"}),
    Choice(name="merge", options={"kind": "ties", "density": 0.6}),
    Choice(name="merge", options={"kind": "dare_linear", "density": 0.6}),
    Choice(name="merge", options={"kind": "dare_ties", "density": 0.6}),
]


def method_spec(name: str) -> MethodSpec:
    return METHODS.get(name).normalize(MethodSpec(name=name, options=OPTIONS.get(name, {})))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder = save_tiny_backbone(tmp_path_factory.mktemp("backbone") / "wide", hidden_size=64)
    return locate_backbone(str(folder))


def begin(
    backbone: Backbone,
    method: MethodSpec,
    choice: Choice,
    sources: Sequence[StoredModel] = (),
    *,
    task: str = "mlqa",
    seed: int = 42,
    noise: int = 0,
    **others: Any,
) -> TransferModel:
    data = SQUAD.data.model_copy(update={"task": task})
    spec = train_spec(
        method=method,
        composition=choice,
        backbone=backbone.fingerprint,
        seed=seed,
        tasks=(SQUAD.model_copy(update={"data": data}),),
        head="reuse" if sources and method.name == "head" else "new",
    )
    torch.manual_seed(noise)
    return start_model(spec, backbone, sources, heads={task: SPAN}, source_task="squad" if sources else None, **others)


def store(model: TransferModel, folder: Path, *, seed: int) -> StoredModel:
    """Saves a model as if it had been trained: its trainable weights moved away from their initialisation."""
    folder.mkdir()
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    save_model(model, folder)
    return StoredModel.read(folder)


def logits(model: TransferModel, task: str = "mlqa") -> torch.Tensor:
    torch.manual_seed(1)
    ids = torch.randint(5, 900, (3, 20))
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0
    model.requires_grad_(False).eval()
    with torch.no_grad():
        return model(task=task, input_ids=ids, attention_mask=mask)["logits"]


def sources_of(backbone: Backbone, method: MethodSpec, folder: Path, seeds: Sequence[int]) -> list[StoredModel]:
    return [
        store(begin(backbone, method, Choice(name="none"), task=task), folder / f"{task}-{seed}", seed=seed)
        for task, seed in zip(("squad", "mnli"), seeds, strict=False)
    ]


def allowed(method: str, choice: Choice) -> bool:
    entry = METHODS.get(method)
    if choice.name not in entry.compositions:
        return False
    return choice.name != "merge" or choice.options.get("kind", "linear") in entry.merges


@pytest.mark.slow(but=8)
@pytest.mark.parametrize("name", METHODS.names())
def test_every_composition_works_or_is_refused(name: str, backbone: Backbone, tmp_path: Path) -> None:
    method = method_spec(name)
    count = 0
    first = sources_of(backbone, method, tmp_path, (1, 2))
    others = sources_of(backbone, method, tmp_path, (3, 4))
    changed = {0: others[:1], 1: others[1:]}
    for choice in CHOICES:
        many = COMPOSITIONS.get(choice.name).many
        sources = first if many else first[:1]
        head = "reuse" if name == "head" else "new"
        if not allowed(name, choice):
            with pytest.raises(AstiltsError) as refusal:
                check_composition(choice, method, sources, head=head)
            assert name in refusal.value.message and choice.name.removesuffix("e") in refusal.value.message
            assert refusal.value.remedy
            count += 1
            continue
        check_composition(choice, method, sources, head=head)
        model = begin(backbone, method, choice, sources)
        trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        assert trainable
        # What is stored is enough to build the very same model again.
        again = store(model, tmp_path / f"target-{len(list(tmp_path.iterdir()))}", seed=5)
        assert torch.equal(logits(again.restore(backbone, precision="fp32")), logits(model)), choice
        # Each source makes a difference.
        for position, new in changed.items():
            if position < len(sources):
                replaced = [*sources[:position], *new, *sources[position + 1 :]]
                torch.manual_seed(0)
                one, other = (logits(begin(backbone, method, choice, these)) for these in (sources, replaced))
                assert not torch.allclose(one, other, atol=1e-6), (choice, position)
    assert count + sum(allowed(name, choice) for choice in CHOICES) == len(CHOICES)


@pytest.mark.parametrize(
    ("name", "options", "choice"),
    [
        ("lora", {}, {"kind": "arithmetic"}),
        ("lora", {"alpha": 16}, {"kind": "svd", "rank": 16}),
        ("peft:lora", {"alpha_pattern": {"query": 32}}, {"kind": "arithmetic"}),
        ("peft:lora", {"lora_alpha": 16}, {"kind": "svd", "rank": 16}),
        ("peft:rslora", {}, {"kind": "arithmetic"}),
        ("peft:rslora", {}, {"kind": "svd", "rank": 12}),
        ("peft:ia3", {}, {"kind": "linear"}),
        ("seq_bn", {}, {"kind": "arithmetic"}),
        ("full", {}, {"kind": "arithmetic"}),
    ],
)
def test_merged_with_another_of_no_weight_it_is_itself(
    name: str, options: dict[str, Any], choice: dict[str, Any], backbone: Backbone, tmp_path: Path
) -> None:
    method = METHODS.get(name).normalize(MethodSpec(name=name, options=options))
    one, other = sources_of(backbone, method, tmp_path, (1, 2))
    then = {} if name == "full" else {"then": "continue"}
    merged = begin(
        backbone, method, Choice(name="merge", options={**choice, "weights": [1.0, 0.0], **then}), [one, other]
    )
    alone = begin(backbone, method, Choice(name="continue"), [one])
    merged.heads.load_state_dict(alone.heads.state_dict())
    torch.testing.assert_close(logits(merged), logits(alone), atol=1e-4, rtol=1e-3)
    folder = tmp_path / "merged"
    folder.mkdir()
    save_model(merged, folder)
    assert torch.equal(logits(StoredModel.read(folder).restore(backbone, precision="fp32")), logits(merged))


def test_options_that_make_another_method_have_its_name() -> None:
    for option in ("use_rslora", "use_dora", "init_lora_weights"):
        with pytest.raises(UsageError, match=f"Unknown option of method peft:lora '{option}'"):
            METHODS.get("peft:lora").normalize(MethodSpec(name="peft:lora", options={option: True}))


def test_the_sum_of_two_loras_by_svd_is_that_of_their_effects(backbone: Backbone, tmp_path: Path) -> None:
    """Twice the rank holds the sum of both without loss: linear in the weights, as the effects on one layer are."""
    for name in ("lora", "peft:lora"):
        folder = tmp_path / name.replace(":", "-")
        folder.mkdir()
        method = method_spec(name)
        sources = sources_of(backbone, method, folder, (1, 2))
        choice = {"kind": "svd", "rank": 16, "then": "continue"}
        merged, twice = (
            begin(backbone, method, Choice(name="merge", options={**choice, "weights": list(weights)}), sources)
            for weights in ((0.5, 0.5), (1.0, 1.0))
        )
        products = []
        for model in (merged, twice):
            pairs: dict[str, dict[str, torch.Tensor]] = {}
            for path, tensor in model.named_parameters():
                if "lora_" in path:
                    pairs.setdefault(path.split(".lora")[0], {})["A" if "lora_A" in path else "B"] = tensor.detach()
            products.append({place: pair["B"] @ pair["A"] for place, pair in pairs.items()})
        expected: dict[str, torch.Tensor] = {}
        for source in sources:
            parts: dict[str, dict[str, torch.Tensor]] = {}
            for path, tensor in read_tensors(source.folder / WEIGHTS).items():
                if "lora_" in path:
                    parts.setdefault(path.split(".lora")[0], {})["A" if "lora_A" in path else "B"] = tensor
            for place, pair in parts.items():
                expected[place] = expected.get(place, torch.zeros(())) + pair["B"] @ pair["A"]
        # `adapters` multiplies by alpha / r, which has become half as much; `peft` has the factor in the matrices.
        strength = 0.5 if name == "lora" else 1.0
        assert len(products[0]) == 4
        for place, whole in expected.items():
            torch.testing.assert_close(strength * products[1][place], whole, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(2 * products[0][place], products[1][place], atol=1e-5, rtol=1e-4)


def test_task_arithmetic_of_backbones_adds_what_each_has_learnt(backbone: Backbone, tmp_path: Path) -> None:
    method = method_spec("full")
    sources = sources_of(backbone, method, tmp_path, (1, 2))
    choice = Choice(name="merge", options={"kind": "arithmetic", "weights": [0.7, -0.2]})
    merged = dict(begin(backbone, method, choice, sources).named_parameters())
    begun = dict(begin(backbone, method, Choice(name="none")).named_parameters())
    tensors = [read_tensors(source.folder / WEIGHTS) for source in sources]
    name = "backbone.encoder.layer.0.output.dense.weight"
    expected = begun[name] + 0.7 * (tensors[0][name] - begun[name]) - 0.2 * (tensors[1][name] - begun[name])
    torch.testing.assert_close(merged[name], expected)


@pytest.mark.parametrize(
    ("choice", "method", "count", "message"),
    [
        ("stack", "seq_bn", 2, "'stack' takes 1 intermediate runs, not 2"),
        ("average", "seq_bn", 1, "'average' takes 2 or more intermediate runs, not 1"),
        ("fuse", "lora", 2, "'lora' cannot be used with composition 'fuse'.*Methods that can be fused: .*seq_bn"),
        ("average", "full", 2, "Nearest to it is --composition merge"),
    ],
)
def test_wrong_numbers_and_pairs_say_what_works(
    choice: str, method: str, count: int, message: str, backbone: Backbone, tmp_path: Path
) -> None:
    sources = sources_of(backbone, method_spec(method), tmp_path, (1, 2))[:count]
    with pytest.raises(AstiltsError, match=message):
        check_composition(Choice(name=choice), method_spec(method), sources)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "tie"}, "kind: Input should be"),
        ({"kind": "ties"}, "density is missing for kind=ties"),
        ({"density": 0.5}, "density has no meaning for kind=linear"),
        ({"weights": [1.0]}, "1 weights for 2 sources"),
        ({"weights": 1.0}, "1 weights for 2 sources"),
        ({"rank": 4}, "rank has no meaning for kind=linear"),
        ({"densty": 0.5}, "Unknown key 'densty'. Did you mean 'density'"),
    ],
)
def test_wrong_options_of_a_merge(options: dict[str, Any], message: str, backbone: Backbone, tmp_path: Path) -> None:
    method = method_spec("peft:lora")
    sources = sources_of(backbone, method, tmp_path, (1, 2))
    with pytest.raises(UsageError, match=message):
        check_composition(Choice(name="merge", options=options), method, sources)


def test_libraries_and_stacked_sources_do_not_mix(backbone: Backbone, tmp_path: Path) -> None:
    bottleneck, lora = method_spec("seq_bn"), method_spec("peft:lora")
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    ours = sources_of(backbone, bottleneck, tmp_path / "a", (1, 2))
    theirs = sources_of(backbone, lora, tmp_path / "b", (1, 2))
    with pytest.raises(CompatibilityError, match="trained with peft:lora, whose library cannot be mixed"):
        check_composition(Choice(name="stack"), bottleneck, theirs[:1])
    stacked = store(begin(backbone, bottleneck, Choice(name="stack"), ours[:1]), tmp_path / "c" / "two", seed=7)
    with pytest.raises(CompatibilityError, match="has several adapters"):
        check_composition(Choice(name="fuse"), bottleneck, [stacked, ours[1]])
    whole = method_spec("seq_bn").model_copy(update={"unfreeze_backbone": True})
    moved = store(begin(backbone, whole, Choice(name="none"), task="squad"), tmp_path / "c" / "moved", seed=8)
    with pytest.raises(CompatibilityError, match="has a backbone of its own"):
        check_composition(Choice(name="average"), bottleneck, [moved, ours[1]])
    # It can be stacked upon: its backbone comes along, also through a target phase that leaves it frozen.
    target = begin(backbone, bottleneck, Choice(name="stack"), [moved])
    again = store(target, tmp_path / "c" / "target", seed=9).restore(backbone, precision="fp32")
    assert torch.equal(logits(again), logits(target))


def test_language_adapters_change_places(backbone: Backbone, tmp_path: Path) -> None:
    method, invertible = method_spec("seq_bn"), method_spec("seq_bn_inv")
    english, german = (
        store(begin(backbone, invertible, Choice(name="none"), task="squad"), tmp_path / code, seed=seed)
        for code, seed in (("en", 1), ("de", 2))
    )
    (source,) = sources_of(backbone, method, tmp_path, (3,))
    for drop in (0, 1):
        spec = train_spec(method=method, composition=Choice(name="stack"), language_adapter_drop=drop)
        check_language_adapter(english, spec)
        torch.manual_seed(0)
        model = start_model(spec, backbone, [source], heads={"squad": SPAN}, source_task="squad", language=english)
        assert [block.language for block in model.blocks] == [True, False, False]
        trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        assert trained and not any("language_" in name or ".squad." in name for name in trained if "heads" not in name)
        own = logits(model, "squad")
        restored = store(model, tmp_path / f"target{drop}", seed=4).restore(backbone, precision="fp32")
        assert torch.equal(logits(restored, "squad"), logits(model, "squad"))
        block = add_language_adapter(restored, german, drop=drop)
        restored.use_language_adapter(block)
        swapped = logits(restored, "squad")
        restored.use_language_adapter(None)
        without = logits(restored, "squad")
        restored.use_language_adapter(restored.blocks[0])
        assert torch.equal(logits(restored, "squad"), logits(model, "squad"))
        assert not torch.allclose(own, swapped) and not torch.allclose(swapped, without)
        layers = {name.split(".layer.")[1].split(".")[0] for name, _ in restored.stored()
                  if "language_" in name and ".layer." in name}  # fmt: skip
        assert layers == ({"0", "1"} if drop == 0 else {"0"})


def test_language_adapters_need_a_method_that_can_be_stacked(backbone: Backbone, tmp_path: Path) -> None:
    (english,) = sources_of(backbone, method_spec("seq_bn_inv"), tmp_path, (1,))
    (peft,) = sources_of(backbone, method_spec("peft:lora"), tmp_path, (2,))
    with pytest.raises(CompatibilityError, match="Method full cannot be trained over a language adapter"):
        check_language_adapter(english, train_spec(method=method_spec("full")))
    with pytest.raises(CompatibilityError, match="not a language adapter that can be exchanged"):
        check_language_adapter(peft, train_spec(method=method_spec("seq_bn")))


def test_fusion_says_what_it_looked_at(backbone: Backbone, tmp_path: Path) -> None:
    method = method_spec("seq_bn")
    model = begin(backbone, method, Choice(name="fuse"), sources_of(backbone, method, tmp_path, (1, 2)))
    logits(model)
    found = model.fusion_attention.take(["squad", "mnli"])
    assert list(found) == ["0", "1"] and all(list(shares) == ["squad", "mnli"] for shares in found.values())
    for shares in found.values():
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5) and 0 < shares["squad"] < 1
    assert model.fusion_attention.take(["squad", "mnli"]) == {}


def test_what_would_lose_a_part_above_a_language_adapter_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    method, invertible = method_spec("seq_bn"), method_spec("seq_bn_inv")
    (tmp_path / "inv").mkdir()
    (english,) = sources_of(backbone, invertible, tmp_path / "inv", (1,))
    own = method.model_copy(update={"unfreeze_backbone": True})
    moved = store(begin(backbone, own, Choice(name="none"), task="squad"), tmp_path / "moved", seed=2)
    spec = train_spec(method=method, composition=Choice(name="stack"))
    for source, message in (
        (moved, "own backbone would have no effect"),
        (english, "own invertible layer would have no"),
    ):
        with pytest.raises(CompatibilityError, match=message):
            check_language_adapter(english, spec, [source])


def test_a_changed_backbone_stays_in_full_precision(backbone: Backbone, tmp_path: Path) -> None:
    """In bf16 the small steps of training, and what is merged, would be rounded away."""
    frozen, whole = method_spec("seq_bn"), method_spec("seq_bn").model_copy(update={"unfreeze_backbone": True})
    pairs = [(frozen, whole), (whole, frozen), (frozen, frozen), 2 * (method_spec("peft:lora"),)]
    for number, (first, second) in enumerate(pairs):
        source = store(begin(backbone, first, Choice(name="none"), task="squad"), tmp_path / f"s{number}", seed=1)
        spec = train_spec(method=second, composition=Choice(name="stack"), precision="bf16")
        torch.manual_seed(0)
        model = start_model(spec, backbone, [source], heads={"squad": SPAN}, source_task="squad")
        kept = torch.float32 if first is not frozen or second is whole else torch.bfloat16
        assert model.backbone.get_input_embeddings().weight.dtype == kept
        assert all(one.dtype == torch.float32 for one in model.parameters() if one.requires_grad)
        again = store(model, tmp_path / f"t{number}", seed=2).restore(backbone, precision="bf16")
        assert again.backbone.get_input_embeddings().weight.dtype == kept
        assert torch.equal(logits(again, "squad"), logits(model, "squad"))


def test_a_new_adapter_in_a_fusion_goes_on_learning(backbone: Backbone, tmp_path: Path) -> None:
    method = method_spec("seq_bn")
    sources = sources_of(backbone, method, tmp_path, (1, 2))
    first = begin(backbone, method, Choice(name="fuse", options={"target": "one-step"}), sources)
    trained = {name for name, one in first.named_parameters() if one.requires_grad and "heads" not in name}
    second = begin(backbone, method, Choice(name="continue"), [store(first, tmp_path / "first", seed=3)])
    assert {name for name, one in second.named_parameters() if one.requires_grad and "heads" not in name} == trained


@pytest.mark.parametrize("choice", ["fuse", "average", "merge"])
def test_several_sources_take_a_new_head_and_a_frozen_backbone(choice: str, backbone: Backbone, tmp_path: Path) -> None:
    method = method_spec("seq_bn")
    sources = sources_of(backbone, method, tmp_path, (1, 2))
    with pytest.raises(UsageError, match="--head reuse has no meaning"):
        check_composition(Choice(name=choice), method, sources, head="reuse")
    with pytest.raises(CompatibilityError, match="is for a frozen backbone"):
        check_composition(Choice(name=choice), method.model_copy(update={"unfreeze_backbone": True}), sources)
