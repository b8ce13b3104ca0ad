"""Measuring a shared model again: are the published numbers those of the published weights?"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapterstilts.commands.options import PullOptions, TrainingOptions, VerifyOptions, read_options
from adapterstilts.commands.pull import shared_model
from adapterstilts.commands.push import check_folder
from adapterstilts.commands.setup import make_planner
from adapterstilts.commands.table.repetitions import same_rows
from adapterstilts.errors import SharingError
from adapterstilts.runs.specs import Choice, EvaluateSpec
from adapterstilts.runs.store import Run
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.manifest import Evaluated, Manifest
from adapterstilts.sharing.package import Package
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.tasks.catalogue import in_catalogue

_VALIDATION = "validation"
# Published numbers are read with two decimals at most.
_DIGITS = 0.005
_MINI = "mini"


@dataclass(frozen=True)
class Checked:
    """One published score beside the same measured again.

    Attributes:
        published: Metric to value, and `again` likewise; the latter is empty where it could not be measured.
        reason: Why not.
        verdict: `equal` to the last digit, `equal to two decimals`, how it `differs`, what is no score of the task, or
            `not measured`.
    """

    task: str
    split: str
    language: str
    published: dict[str, float]
    again: dict[str, float]
    reason: str = ""
    verdict: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", self._judged())

    @property
    def largest(self) -> float:
        """The largest difference of a metric; without end where one was published that there is not."""
        again = {name: self.again.get(name, math.inf) for name in self.published}
        return max((abs(value - again[name]) for name, value in self.published.items()), default=0.0)

    def _judged(self) -> str:
        if not self.again:
            return f"not measured: {self.reason}"
        if other := [name for name in self.published if name not in self.again]:
            return f"{other[0]} is no score of {self.task}"
        if not self.largest:
            return "equal"
        return "equal to two decimals" if self.largest < _DIGITS else f"differs by {self.largest:.2f}"


@dataclass(frozen=True)
class Verification:
    """All published scores of a shared model, measured again.

    Attributes:
        made_on: What they were published from, and `here` what they were measured with now; digits depend on it.
        agrees: Whether something was measured, and nothing of it differs in two decimals.
    """

    place: str
    checked: list[Checked]
    made_on: str
    here: str
    agrees: bool = field(init=False)

    def __post_init__(self) -> None:
        measured = [one for one in self.checked if one.again]
        object.__setattr__(self, "agrees", bool(measured) and all(one.largest < _DIGITS for one in measured))


@in_catalogue
def run_verify(reference: str, options: VerifyOptions, reporter: Reporter) -> Verification:
    """Measures a shared model again; see `adapterstilts.verify`."""
    note = reporter.note
    shared = {name: value for name, value in dict(options).items() if name in PullOptions.model_fields}
    with (
        shared_model(reference, PullOptions.model_validate(shared), note) as package,
        tempfile.TemporaryDirectory(prefix="astilts-verify-") as scratch,
    ):
        if (manifest := package.manifest) is None:
            raise SharingError(
                f"{reference} is a model of another library, which published no scores.",
                remedy="Score it with `astilts transfer`.",
            )
        planner = make_planner(_training(manifest, options, Path(scratch)))
        adoption = Adoption(
            planner.setup.backbone,
            planner.facts,
            planner.setup.store,
            base_differs=options.base_differs,
            allow_pickle=options.allow_pickle,
            note=note,
        )
        run = adoption.adopt(package)
        checked = [*_validations(run, manifest, planner, note)]
        for one in manifest.evaluations:
            checked += _evaluation(run, one, planner, reporter)
        return _verification(package, manifest, checked)


def _training(manifest: Manifest, options: VerifyOptions, store: Path) -> TrainingOptions:
    """What a planner has to be told to read the data and the backbone that the model was trained with."""
    source, base = manifest.spec.tasks[0].data.source, manifest.base
    if source == "files" and options.data_dir is None:
        raise SharingError(
            f"{manifest.spec.task} was trained on release files, which are not shared with it.",
            remedy="Give their folder with --data-dir.",
        )
    if options.backbone is None and not base.on_hub:
        check_folder(base.name, what=manifest.spec.task)
    values = {
        "profile": "mini" if source == _MINI else "paper",
        "backbone": options.backbone or base.name,
        "revision": base.revision if options.backbone is None else None,
        "data_dir": options.data_dir,
        "tasks": options.tasks,
        "store": store,
        "method": Choice.__str__(manifest.spec.method),
        "unfreeze_backbone": manifest.spec.method.unfreeze_backbone,
        "load_in_4bit": manifest.model.quantization is not None,
        "device": options.device,
        "precision": manifest.spec.precision,
        "tokens_per_batch": options.tokens_per_batch or manifest.provenance.tokens_per_batch,
    }
    return read_options(TrainingOptions, values)


def _validations(run: Run, manifest: Manifest, planner: Planner, note: Callable[[str], None]) -> Iterator[Checked]:
    """The scores on the validation rows."""
    published = _metrics_alone(manifest, planner)
    if not published:
        return
    language = manifest.spec.tasks[0].data.validation_language
    other = next((task.name for task in manifest.spec.tasks if not same_rows(planner, task)), None)
    if other:
        yield Checked(manifest.spec.task, _VALIDATION, language, published, {}, f"the data of {other} here are others")
        return
    from adapterstilts.modeling.precision import choose_device
    from adapterstilts.modeling.storage import StoredModel
    from adapterstilts.stages.training.validation import scored_again, validations_of

    note(f"{run.name}: {_VALIDATION}")
    setup = planner.setup
    model = StoredModel.read(run.folder).restore(setup.backbone, precision=manifest.spec.precision)
    model.use_language_module(manifest.spec.tasks[0].data.languages[0])
    model = model.to(choose_device(setup.device))
    found = scored_again(model, validations_of(manifest.spec, setup), manifest.metrics.calibration).metrics
    again = {name: found[name] for name in published}
    yield Checked(manifest.spec.task, _VALIDATION, language, published, again)


def _metrics_alone(manifest: Manifest, planner: Planner) -> dict[str, float]:
    """The validation metrics of all tasks, without counts and without what is computed from them."""
    alone = len(manifest.spec.tasks) == 1
    names = {
        name if alone else f"{task.name}/{name}"
        for task in manifest.spec.tasks
        for name in planner.setup.catalogue.build_kind(task).metrics
    }
    return {name: value for name, value in manifest.metrics.validation_all.items() if name in names}


def _evaluation(run: Run, one: Evaluated, planner: Planner, reporter: Reporter) -> list[Checked]:
    """The scores of one evaluation, in the languages whose data are the same here."""
    spec, setup = one.spec, planner.setup
    task = setup.catalogue.recipe(spec.task)
    same = {
        code: fingerprint
        for code, fingerprint in spec.fingerprints.items()
        if not setup.source.missing(task, spec.split, code)
        and setup.source.fingerprint(task, spec.split, code) == fingerprint
    }
    reason = ""
    if spec.language_adapters or spec.language_sums or spec.translate_test:
        reason = "it was scored with language adapters or translations, which are not part of it"
    elif spec.source != setup.source.of(task).name or not same:
        reason = "the data here are others"
    elif setup.catalogue.build_kind(spec).pools and len(same) < len(spec.fingerprints):
        reason = "the data of all languages are needed"
    if reason:
        return [_checked(spec, code, published, {}, reason) for code, published in one.languages.items()]
    again = spec.model_copy(
        update={
            "fingerprints": same,
            "inputs": (run.key,),
            "backbone": setup.backbone.fingerprint,
            "calibration": {code: value for code, value in spec.calibration.items() if code in same},
        }
    )
    languages = run_stage(again, setup, reporter).metrics["languages"]
    return [
        _checked(spec, code, published, languages.get(code, {}), "the data here are others")
        for code, published in one.languages.items()
    ]


def _checked(
    spec: EvaluateSpec, code: str, published: Mapping[str, float], again: Mapping[str, float], reason: str
) -> Checked:
    return Checked(spec.task, spec.split, code, dict(published), dict(again), "" if again else reason)


def _verification(package: Package, manifest: Manifest, checked: list[Checked]) -> Verification:
    from adapterstilts.runs.provenance import Stopwatch, surroundings

    here = Stopwatch().record(device=manifest.provenance.device)
    return Verification(
        place=package.place,
        checked=checked,
        made_on=surroundings(manifest.provenance.model_dump()),
        here=surroundings(here),
    )
