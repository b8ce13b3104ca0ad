"""Making the shared folder of a finished run: its model in its library's format, what is known of it, and a card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapterstilts import __version__
from adapterstilts.errors import SharingError
from adapterstilts.files import file_digest
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.runs.lineage import labelled_of, lineage
from adapterstilts.runs.run import KEY_DIGITS, MORE, cut
from adapterstilts.runs.specs import EvaluateSpec, SharedSpec, TrainSpec, key
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.sharing.card import CardFacts, model_card
from adapterstilts.sharing.contents import CARD, OWN
from adapterstilts.sharing.licences import Licence, licence
from adapterstilts.sharing.manifest import (
    Base,
    Evaluated,
    FileRecord,
    Made,
    Manifest,
    Measured,
    manifest_text,
    read_manifest,
)
from adapterstilts.sharing.registry_entries import MOST_LETTERS
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.recipe import Recipe


@dataclass(frozen=True)
class Export:
    """A run that is going to be shared.

    Attributes:
        evaluations: How it was scored, here or before it was shared with this store.
        trained_on: The tasks that it and what it was begun with were trained on, with the source of each; none of files
            that no recipe describes.
        scored_on: The tasks of `evaluations`, likewise.
        line: The stages of these, its own first.
    """

    run: Run
    spec: TrainSpec
    evaluations: tuple[Evaluated, ...]
    trained_on: tuple[tuple[Recipe, str], ...]
    scored_on: tuple[Recipe, ...]
    line: tuple[TrainSpec, ...]

    @classmethod
    def of(cls, run: Run, store: RunStore, catalogue: Catalogue) -> Export:
        """What the store has of a run.

        Raises:
            SharingError: Another library made it.
            StoreError: What it was begun with is not there, so that nobody knows what it was trained on.
        """
        spec = run.training.made if isinstance(run.training, SharedSpec) else run.training
        if spec is None:
            raise SharingError(
                f"{run.name} was not made by adapterstilts, so there is nothing to say about it.",
                remedy="Share it in the way of the library that made it.",
            )
        here = (one for one in store.runs() if isinstance(one.spec, EvaluateSpec) and one.spec.inputs == (run.key,))
        scored = [Evaluated(spec=one.evaluation, languages=found) for one in here if (found := _scored(one))]
        if isinstance(run.spec, SharedSpec):
            known = [_measured(one.spec) for one in scored]
            before = read_manifest(run.folder, where=str(run.folder)).evaluations
            scored = [*(one for one in before if _measured(one.spec) not in known), *scored]
        there = catalogue.names()
        line = tuple(lineage(run, store, whole=True))
        data = [task.data for one in line for task in one.tasks]
        trained_on = {(one.task, one.source): catalogue.recipe(one.task) for one in data if one.task in there}
        recipes = tuple((recipe, source) for (_, source), recipe in trained_on.items())
        tested = dict.fromkeys(one.spec.task for one in scored if one.spec.task in there)
        return cls(run, spec, tuple(scored), recipes, tuple(map(catalogue.recipe, tested)), line)

    @property
    def licence(self) -> Licence:
        """The licence of what it was trained on."""
        known = {recipe.name for recipe, _ in self.trained_on}
        tasks = dict.fromkeys(task.data.task for one in self.line for task in one.tasks)
        return licence(self.trained_on, [task for task in tasks if task not in known])

    @property
    def name(self) -> str:
        """What the model is called: its tasks, its method, its key."""
        rest = f"-{self.spec.method.name.replace(':', '-')}-{key(self.spec)[:KEY_DIGITS]}"
        return cut(self.spec.label, MOST_LETTERS - len(MORE) - len(rest)) + rest

    def _units(self) -> list[str]:
        """A sentence for each head of a number, which is not in the data's unit."""
        scales = [(task.name, task.options.get("mean"), task.options.get("sd")) for task in self.spec.tasks]
        return [
            f"The head of {name} gives a number as standard deviations from the mean of its training rows: times "
            f"{sd:.10g}, plus {mean:.10g}, it is one in the unit of the data."
            for name, mean, sd in scales
            if mean is not None and sd is not None
        ]

    def write(self, folder: Path, backbone: Backbone) -> Manifest:
        """Writes the folder, which is empty or not there.

        Args:
            backbone: The one that the run was trained on; only of a model that changes its weights they are read.

        Raises:
            CompatibilityError: It is another backbone.
        """
        from adapterstilts.modeling.exchange.exporting import export_model
        from adapterstilts.modeling.storage import StoredModel

        folder.mkdir(parents=True, exist_ok=True)
        stored = StoredModel.read(self.run.folder)
        on_hub = backbone.revision is not None
        name = backbone.name if on_hub else Path(backbone.name).resolve().name
        labels = {task.name: tuple(task.options.get("labels") or ()) for task in self.spec.tasks}
        exported = export_model(stored, backbone, folder, labels=labels, base=name, revision=backbone.revision)
        files = {
            path.relative_to(folder).as_posix(): FileRecord(bytes=path.stat().st_size, sha256=file_digest(path))
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        manifest = Manifest(
            made_with=f"adapterstilts {__version__}",
            key=key(self.spec),
            spec=self.spec,
            begun_with=self.line[1:],
            model=stored.description.model_copy(update={"backbone": self.spec.backbone}),
            base=Base(name=name, on_hub=on_hub, revision=backbone.revision, fingerprint=self.spec.backbone),
            library=exported.library,
            auto_class=exported.auto_class,
            metrics=Measured.model_validate(self.run.metrics),
            evaluations=self.evaluations,
            provenance=Made.model_validate(self.run.provenance),
            license=self.licence.text,
            files=files,
        )
        (folder / OWN).write_text(manifest_text(manifest), encoding="utf-8")
        recipes = list({recipe.name: recipe for recipe, _ in self.trained_on}.values())
        notes = (*exported.notes, *self._units())
        facts = CardFacts(
            self.name, recipes, self.licence, exported.loading, notes, labelled_of(self.line), self.scored_on
        )
        (folder / CARD).write_text(model_card(manifest, facts), encoding="utf-8")
        return manifest


def _measured(spec: EvaluateSpec) -> EvaluateSpec:
    """What was measured, whatever the model is called where that was."""
    return spec.model_copy(update={"inputs": (), "backbone": ""})


def _scored(evaluation: Run) -> dict[str, dict[str, float]]:
    """Language to metric to value, of those that were scored: rows without labels are answered and no more."""
    return {code: found for code, found in evaluation.metrics["languages"].items() if found.keys() > {"examples"}}
