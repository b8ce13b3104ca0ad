"""How fast a model is trained and asked on this machine: a short measurement on a backbone of its shape."""

from __future__ import annotations

import copy
import dataclasses
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.option_bounds import LAYER_OPTIONS
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import MethodSpec, Precision
from adapterstilts.stages.estimates.machines import Machine, watts_of

if TYPE_CHECKING:
    import torch

    from adapterstilts.modeling.gpu.recorded import RecordedSteps
    from adapterstilts.modeling.transfer_model import TransferModel

# Part of every fact's name: raise it when something else is measured.
_VERSION = "4"
_WIDTHS = (64, 128, 256, 512)
# Layers that are measured of a deep backbone, and tokens of the two batches.
_LAYERS, _FEW, _MANY, _MOST_SECONDS = 4, 2, 1024, 0.4
_REPEATED = 3
# The share of the processor that others may use while its speed is measured, and seconds for which it is looked at:
# threads that wait for one another take many times as long beside other work.
_QUIET, _LOOKED_AT = 0.2, 0.15
# Seconds of a stage beside what it computes (models, files), and of an optimiser step beside the model's own.
_START, _STEP = 1.5, 0.006
# Of a GPU: seconds of a kernel that does little, in a CUDA graph and launched by itself, and kernels of a layer in
# training and prediction; see docs/costs.md.
_REPLAYED, _LAUNCH, _KERNELS, _KERNELS_PREDICTING = 3.3e-6, 8e-6, 120, 40
_HOST_ON_GPU = 3_500_000_000
_HOST = 600_000_000


@dataclass(frozen=True)
class Speed:
    """Rates of one machine for one method and length of sequences.

    Attributes:
        training: Floating-point operations a second in forward and backward passes, and `predicting` in prediction.
        training_call: Seconds that a micro-batch takes however small it is, and `predicting_call` likewise.
        overlapped: Whether these pass while a device computes, so that the longer of the two counts.
        step: Seconds of an optimiser step beside its passes.
        start: Seconds of a stage before and after its work.
        host: Bytes of a process before there is a model.
        on_gpu: Whether there is a device with memory of its own.
        threads: Of a processor.
        watts: Of the device, where it is known.
        name: What computes.
        others: The share of the processor that other programs used when the speed was measured.
    """

    training: float
    predicting: float
    training_call: float
    predicting_call: float
    overlapped: bool
    step: float
    start: float
    host: int
    on_gpu: bool
    threads: int
    watts: float | None
    name: str
    others: float = 0.0

    @property
    def disturbed(self) -> bool:
        """Whether other programs have made it look slower than it is."""
        return self.others > _QUIET

    def pass_seconds(self, flops: float, calls: float, *, training: bool) -> float:
        """Seconds of passes over batches."""
        rate, call = (self.training, self.training_call) if training else (self.predicting, self.predicting_call)
        parts = flops / rate, calls * call
        return max(parts) if self.overlapped else sum(parts)


def assumed_speed(machine: Machine, precision: str, layers: int) -> Speed:
    """The speed of a machine that is not there.

    Raises:
        CompatibilityError: It cannot compute in this number format.
    """
    rate = machine.rate(precision)
    return Speed(
        training=rate,
        predicting=rate,
        training_call=layers * _KERNELS * _REPLAYED if machine.on_gpu else 0,
        predicting_call=layers * _KERNELS_PREDICTING * _LAUNCH if machine.on_gpu else 0,
        overlapped=True,
        step=_STEP,
        start=_START,
        host=_HOST_ON_GPU if machine.on_gpu else _HOST,
        on_gpu=machine.on_gpu,
        threads=machine.cores or 1,
        watts=machine.watts,
        name=machine.title,
    )


def speed_here(
    backbone: Backbone,
    method: MethodSpec,
    precision: Precision,
    *,
    device: str,
    width: int,
    cuda_graphs: bool = True,
) -> Speed:
    """The speed of this machine, measured once a user for each backbone, method, number format and length.

    What was measured beside other work is measured again when there is less of it.

    Args:
        width: Of most sequences, in tokens.
        cuda_graphs: Whether steps on a GPU are recorded.

    Raises:
        CompatibilityError: They cannot be.
    """
    nearest = min(_WIDTHS, key=lambda one: abs(one - width))
    threads = os.environ.get("OMP_NUM_THREADS", "")
    machine = (platform.node(), str(os.cpu_count()), threads, device, os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
    what = (str(method), method.flags, precision, str(nearest), backbone.fingerprint, version("torch"), _VERSION)
    how = (device, nearest, cuda_graphs)
    found = Memory.of_user().recall(
        "speed",
        *machine,
        *what,
        str(cuda_graphs),
        find=lambda: {**asdict(_measure(backbone, method, precision, *how)), "others": _used_by_others()},
        again=lambda known: Speed(**known).disturbed and _used_by_others() < known["others"] - _QUIET,
    )
    return Speed(**found)


class _Shallow(Backbone):
    """A backbone with random weights and few layers and words, as wide as the one it is named after."""

    def config(self) -> Any:
        config = copy.deepcopy(super().config())
        layers = min(_LAYERS, config.num_hidden_layers)
        for name, value in list(vars(config).items()):
            if type(value) is list and len(value) == config.num_hidden_layers:
                setattr(config, name, value[:layers])
        config.num_hidden_layers = layers
        config.vocab_size = min(config.vocab_size, 1000)
        for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
            if (getattr(config, name, None) or 0) >= config.vocab_size:
                setattr(config, name, 0)
        return config

    def encoder(self, dtype: torch.dtype, *, frozen: bool = False) -> Any:
        return self.random_encoder().to(dtype)


def in_few_layers(method: MethodSpec, layers: int, few: int) -> MethodSpec:
    """The method with the layers that its options name as they are in a model of a few of them.

    Args:
        layers: How many the backbone has.
    """
    options = dict(method.options)
    for name, value in options.items():
        own = name.rpartition(".")[2]
        if own not in LAYER_OPTIONS or value in (None, "all") or not (named := {*_as_list(value)}):
            continue
        found = [one for one in range(few) if one * layers // few in named]
        if own == "leave_out":
            options[name] = found[: few - 1] if len(named) < layers else found
        else:
            options[name] = found or [few - 1]
    return method.model_copy(update={"options": options})


def _as_list(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _measure(
    backbone: Backbone, method: MethodSpec, precision: Precision, device: str, width: int, cuda_graphs: bool
) -> Speed:
    import torch

    from adapterstilts.modeling.gpu.recorded import RecordedSteps
    from adapterstilts.modeling.precision import choose_device
    from adapterstilts.stages.estimates.costs import Work, matrix_rate

    where = choose_device(device)
    host = _resident()
    values = {field.name: getattr(backbone, field.name) for field in dataclasses.fields(Backbone)}
    shape = _Shallow(**{**values, "quantization": None})
    layers, few = backbone.config().num_hidden_layers, shape.config().num_hidden_layers
    with torch.random.fork_rng(devices=[]):
        model = _model(shape, in_few_layers(method, layers, few), precision).to(where)
        work, deep = Work.of(model), layers / few
        most = _MOST_SECONDS * 0.2 * matrix_rate(where, precision) / (work.forward + work.backward)
        many = max(2 * _FEW, min(_MANY // width, round(most / width)) // _FEW * _FEW)
        optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad])
        recorded, rates = RecordedSteps(model) if cuda_graphs and where.type == "cuda" else None, {}
        for name, once, flops in (
            (
                "training",
                lambda rows: _train(model, optimizer, rows, width, where, recorded),
                work.forward + work.backward,
            ),
            ("predicting", lambda rows: _predict(model, rows, width, where), work.forward),
        ):
            few, large = (_timed(once, rows, where) for rows in (_FEW, many))
            more = (many - _FEW) * width * flops
            rate = more / (large - few) if large > 1.05 * few else many * width * flops / large
            rates[name] = rate
            rates[f"{name}_call"] = max(0.0, few - _FEW * width * flops / rate) * deep
    on_gpu = where.type == "cuda"
    title = torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine()
    return Speed(
        **rates,
        overlapped=False,
        step=_STEP,
        start=_START,
        host=_HOST_ON_GPU if on_gpu else host,
        on_gpu=on_gpu,
        threads=torch.get_num_threads(),
        watts=watts_of(title),
        name=title,
    )


def _model(shape: Backbone, method: MethodSpec, precision: Precision) -> TransferModel:
    """What the method trains on the shape, with a small head."""
    from adapterstilts.modeling.transfer_model import TransferModel
    from adapterstilts.tasks.kind import HeadSpec

    model = TransferModel(shape, method=method, precision=precision)
    if METHODS.get(method.name).adds_adapter:
        model.train_adapter(model.add_adapter("measured", method))
    model.train_backbone()
    model.add_head("measured", HeadSpec("span", outputs=2))
    model.train_head("measured")
    return model


def _batch(rows: int, width: int, device: torch.device) -> dict[str, torch.Tensor]:
    import torch

    ids = torch.randint(10, 100, (rows, width), device=device)
    mask = torch.ones_like(ids)
    mask[0, -1] = 0  # as in most batches, so that attention is masked
    return {"input_ids": ids, "attention_mask": mask}


def _train(
    model: TransferModel,
    optimizer: Any,
    rows: int,
    width: int,
    device: torch.device,
    recorded: RecordedSteps | None,
) -> None:
    import torch

    model.train()
    places = torch.zeros(rows, dtype=torch.long, device=device)
    batch = {"start_positions": places, "end_positions": places, **_batch(rows, width, device)}
    if recorded is not None:
        recorded("measured", batch, 1.0)
    else:
        model(task="measured", **batch)["loss"].backward()
    optimizer.step()
    optimizer.zero_grad()


def _predict(model: TransferModel, rows: int, width: int, device: torch.device) -> None:
    import torch

    model.eval()
    with torch.inference_mode():
        model(task="measured", **_batch(rows, width, device))


def _timed(once: Callable[[int], None], rows: int, device: torch.device) -> float:
    """Seconds of one call: the least of several after a first one, which other work on the machine lengthens least."""
    from adapterstilts.stages.estimates.costs import wait

    taken = []
    for _ in range(1 + _REPEATED):
        begun = time.perf_counter()
        once(rows)
        wait(device)
        taken.append(time.perf_counter() - begun)
    return min(taken[1:])


def _used_by_others() -> float:
    """The share of all cores that is in use while this process waits."""
    import psutil

    return round(psutil.cpu_percent(_LOOKED_AT) / 100, 2)


def _resident() -> int:
    """Bytes of memory that this process has now."""
    import psutil

    return psutil.Process().memory_info().rss
