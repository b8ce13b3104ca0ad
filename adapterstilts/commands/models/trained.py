"""A trained model that a person names: its run, its backbone, the head that is meant, and the task of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterstilts.commands.options import PullOptions, TrainedModelOptions
from adapterstilts.commands.pull import shared_model
from adapterstilts.commands.push import check_folder, has_run, run_backbone, trained_run
from adapterstilts.data.sources.open import open_source
from adapterstilts.errors import CompatibilityError, UsageError, unknown
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.precision import check_device, choose_device, choose_precision
from adapterstilts.runs.lineage import labelled_behind
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import Precision, SharedSpec, TaskSpec, TrainSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.settings import Settings
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.package import Package
from adapterstilts.sharing.references import is_reference
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.sources import Names

if TYPE_CHECKING:
    from adapterstilts.modeling.transfer_model import TransferModel

Note = Callable[[str], None]


@dataclass(frozen=True)
class TrainedModel:
    """A trained model without its weights.

    Attributes:
        task: What its head is for, with how texts become tokens.
        head: What the head is called in it.
        setup: With the source of the task's rows, if `has_source`.
        has_source: Whether that source is there.
    """

    run: Run
    task: TaskSpec
    head: str
    facts: Facts
    setup: Setup
    precision: Precision
    has_source: bool

    @classmethod
    def of(cls, reference: str, options: TrainedModelOptions, note: Note) -> TrainedModel:
        """Finds a model; one that others have made is brought into the store.

        Raises:
            AstiltsError: There is none, it cannot be had, its backbone is not there, or it has no such head.
        """
        check_device(options.device)
        store, catalogue, memory = options.open_store(), Catalogue.load(options.tasks), Memory.of_user()
        run, backbone = _found(reference, options, store, memory, note)
        facts = backbone.facts(memory)
        task, head = _task(run, options.task, catalogue, facts)
        for rows in labelled_behind(run, store):
            note(f"{run.name} was trained on {rows}: its answers in {rows.name} are not zero-shot.")
        name = task.data.source or "hub"
        has_source = name != "files" or options.data_dir is not None
        setup = Setup(
            store=store,
            catalogue=catalogue,
            source=open_source(name if has_source else "hub", options.data_dir),
            backbone=backbone,
            device=options.device,
            tokens_per_batch=options.tokens_per_batch,
        )
        precision = choose_precision(
            options.precision, device=options.device, hidden_size=facts.hidden_size, memory=memory
        )
        return cls(run, task, head, facts, setup, "bf16" if backbone.quantization else precision, has_source)

    @property
    def kind(self) -> Kind:
        """The kind of its task."""
        return self.setup.catalogue.build_kind(self.task)

    @property
    def likely_columns(self) -> dict[str, Names]:
        """What columns are called in the task's own files, or in those that a task without a name was trained on."""
        try:
            files = self.setup.catalogue.recipe(self.task.name).sources.files
        except UsageError:  # of one's own files, or somebody else's
            read: dict[str, Any] = self.run.provenance.get("columns", {}).get(self.task.name, {})
            return {name: theirs if type(theirs) is str else tuple(theirs) for name, theirs in read.items()}
        return dict(files.columns) if files else {}

    @property
    def source(self) -> Setup | None:
        """The setup, if its source has the task's rows."""
        return self.setup if self.has_source else None

    @property
    def calibration(self) -> dict[str, float]:
        """What decoding has to know, as training has found it."""
        found = self.run.metrics.get("calibration", {})
        return found.get(self.task.name, {}) if len(self.run.training.tasks) > 1 else found

    @property
    def made(self) -> TrainSpec | None:
        """How it was trained, where that is known."""
        return made_by_run(self.run)

    def restore(self, *, to_change: bool = False, precision: Precision | None = None) -> TransferModel:
        """The model with its weights, on its device.

        Args:
            to_change: Whether an adapter is going to be merged into its backbone.
        """
        from adapterstilts.modeling.storage import StoredModel

        stored = StoredModel.read(self.run.folder)
        model = stored.restore(self.setup.backbone, precision=precision or self.precision, to_change=to_change)
        return model.to(choose_device(self.setup.device))


def made_by_run(run: Run) -> TrainSpec | None:
    """The spec that a model was trained by, here or elsewhere, where that is known."""
    spec = run.training
    return spec.made if isinstance(spec, SharedSpec) else spec


def _found(
    reference: str, options: TrainedModelOptions, store: RunStore, memory: Memory, note: Note
) -> tuple[Run, Backbone]:
    if (Path(reference) / "spec.json").is_file():
        run = Run(Path(reference))
        if run.spec.stage == "evaluate":
            raise UsageError(f"{reference} is an evaluation and not a model.", remedy="`astilts runs` lists models.")
    elif not is_reference(reference) and has_run(store, reference):
        run = trained_run(store, reference)
    else:
        shared = {name: value for name, value in dict(options).items() if name in PullOptions.model_fields}
        with shared_model(reference, PullOptions.model_validate(shared), note) as package:
            return _adopted(package, options, store, memory, note)
    return run.verify(), run_backbone(run, options.backbone)


def _adopted(
    package: Package, options: TrainedModelOptions, store: RunStore, memory: Memory, note: Note
) -> tuple[Run, Backbone]:
    """The run of a shared model on the backbone that it says it is for, unless another place of it is given."""
    if package.manifest:
        base, revision = package.manifest.base.name, package.manifest.base.revision
        if not (options.backbone or package.manifest.base.on_hub):
            check_folder(base, what=package.place)
    else:
        from adapterstilts.modeling.exchange.claims import read_claims

        claims = read_claims(package.folder)
        base, revision = claims.base or "", claims.revision
    if not (options.backbone or base):
        raise UsageError(f"{package.place} does not say which backbone it is for.", remedy="Give it with --backbone.")
    name = options.backbone or base
    if options.backbone is None:
        note(f"{package.place}: on the backbone {name}")
    backbone = locate_backbone(name, revision=revision if options.backbone is None else None)
    if package.manifest:
        backbone = replace(backbone, quantization=package.manifest.model.quantization)
    adoption = Adoption(
        backbone,
        backbone.facts(memory),
        store,
        base_differs=options.base_differs,
        allow_pickle=options.allow_pickle,
        note=note,
    )
    return adoption.adopt(package), backbone


def _task(run: Run, wanted: str | None, catalogue: Catalogue, facts: Facts) -> tuple[TaskSpec, str]:
    """The task of the head that is meant, and what the head is called.

    Raises:
        UsageError: There are several and none is named, or none of this name.
        CompatibilityError: There is no head, or one of another form than the task needs.
    """
    heads = ModelOutline.read(run.folder).description.heads
    if not heads:
        raise CompatibilityError(
            f"{run.name} has no head: it is a language adapter, or an adapter that came without one.",
            remedy="Train a task above it, and give that run.",
        )
    known = {task.name: task for task in run.training.tasks if task.name in heads}
    if not known:
        return _foreign(run, wanted, catalogue, facts)
    if wanted is None and len(known) > 1:
        raise UsageError(f"{run.name} has {len(known)} heads: {', '.join(known)}.", remedy="Choose one with --task.")
    name = wanted or next(iter(known))
    if name not in known:
        raise unknown(f"head of {run.name}", name, known)
    return known[name], name


def _foreign(run: Run, wanted: str | None, catalogue: Catalogue, facts: Facts) -> tuple[TaskSpec, str]:
    """What the head of another library's model is for, as the user says."""
    heads = ModelOutline.read(run.folder).description.heads
    (called, head), *_ = heads.items()
    if wanted is None:
        raise UsageError(
            f"{run.name} was made by another library, which does not say what its head ({head.name}, "
            f"{head.outputs} outputs) is for.",
            remedy="Name a task with the same labels with --task; `astilts tasks` lists them.",
        )
    recipe = catalogue.recipe(wanted)
    kind = recipe.build_kind()
    due = kind.head()
    if (due.name, due.outputs) != (head.name, head.outputs):
        raise CompatibilityError(
            f"--task {wanted} needs a head of the form {due.name} with {due.outputs} outputs; {run.name} has "
            f"one of the form {head.name} with {head.outputs}.",
            remedy="Name the task that it was trained for.",
        )
    usual = Settings.model_validate({}).max_length
    settings = Settings.model_validate({"max_length": min(facts.positions or usual, usual)})
    encoding = settings.encoding(kind.encoding_fields, separator=facts.separator, causal=facts.causal)
    data = TrainingData(task=wanted, source="", fingerprints={})
    options = kind.decisive_options()
    return TaskSpec(kind=recipe.kind, options=options, metric=recipe.metric, data=data, encoding=encoding), called
