"""Bringing a shared model into the store, where it is a finished run like any other, under a key of its content."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapterstilts.errors import CompatibilityError
from adapterstilts.files import write_json
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import DESCRIPTION, ModelDescription, ModelOutline
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.provenance import now
from adapterstilts.runs.specs import SharedSpec, TrainSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.sharing.contents import OWN
from adapterstilts.sharing.manifest import check_name
from adapterstilts.sharing.package import Package
from adapterstilts.stages.planner import ResolvedMethod

if TYPE_CHECKING:
    from adapterstilts.modeling.exchange.recognising import Recognised

# Ids that mean the same repository: it was moved into an organisation.
_MOVED = {
    "xlm-roberta-base": "FacebookAI/xlm-roberta-base",
    "xlm-roberta-large": "FacebookAI/xlm-roberta-large",
    "roberta-base": "FacebookAI/roberta-base",
    "roberta-large": "FacebookAI/roberta-large",
    "bert-base-multilingual-cased": "google-bert/bert-base-multilingual-cased",
}


@dataclass(frozen=True)
class Adoption:
    """How shared models become runs of a store.

    Attributes:
        facts: What is known of the backbone.
        base_differs: Whether a model of another backbone of the same form is taken all the same.
        allow_pickle: Whether weights may be read from a pickle, as plain tensors.
        note: Told what cannot be known.
    """

    backbone: Backbone
    facts: Facts
    store: RunStore
    base_differs: bool = False
    allow_pickle: bool = False
    note: Callable[[str], None] = lambda text: None

    def spec(self, package: Package) -> SharedSpec:
        """The stage that brings a package's model into the store; its tensors are not read for it.

        Raises:
            CompatibilityError: It is for another backbone.
            SharingError: Its description is misshapen.
        """
        return self._described(package)[0]

    def adopt(self, package: Package) -> Run:
        """The run of a package's model, made now if the store does not have it.

        Raises:
            CompatibilityError: It is for another backbone.
            SharingError: Its files are not what they should be.
            StoreError: The store cannot be written.
        """
        spec, model, recognised = self._described(package)
        if run := self.store.find(spec, whole=True):
            return run
        from adapterstilts.modeling.exchange.importing import import_model
        from adapterstilts.modeling.storage import WEIGHTS, save_tensors

        with self.store.claim(spec, on_wait=self.note) as work:
            if run := self.store.find(spec, whole=True):
                return run
            if aside := self.store.set_aside(spec, whole=True):
                self.note(f"{aside}; it is brought in again")
            tensors = import_model(package.folder, model, self.backbone, allow_pickle=self.allow_pickle)
            save_tensors(tensors, work / WEIGHTS)
            write_json(work / DESCRIPTION, model.model_dump(mode="json"))
            stored = (work / WEIGHTS).stat().st_size
            write_json(work / "metrics.json", _metrics(package, stored))
            write_json(work / "provenance.json", self._provenance(package, recognised))
            if package.manifest:  # with its scores, for it to be shared again
                shutil.copyfile(package.folder / OWN, work / OWN)
            if recognised:
                base = "" if recognised.claims.base else ", and its files do not say for which backbone it is"
                self.note(f"{package.place}: made by another library; how it was trained is not known{base}")
                for left_out in recognised.left_out:
                    self.note(f"{package.place}: {left_out}")
            return self.store.publish(spec, work)

    def _described(self, package: Package) -> tuple[SharedSpec, ModelDescription, Recognised | None]:
        if package.manifest:
            made: TrainSpec | None = package.manifest.spec
            model, recognised, name = package.manifest.model, None, package.manifest.spec.task
            self._check_base(package, package.manifest.base.name, same=model.backbone == self.backbone.fingerprint)
        else:
            from adapterstilts.modeling.exchange.recognising import recognise

            name = called(package)
            recognised = recognise(package.folder, self.backbone, name=name, allow_pickle=self.allow_pickle)
            made, model = None, recognised.description
            base = recognised.claims.base
            self._check_base(package, base or "an unknown one", same=base is None or _same_id(base, self.backbone.name))
        check_name(name, what="a model", where=package.place)
        for adapter in (adapter for block in model.blocks for adapter in block.adapters):
            ResolvedMethod.of(adapter.method, Memory.of_user())
        METHODS.get(model.method.name)
        ours = model.model_copy(update={"backbone": self.backbone.fingerprint})
        ModelOutline(package.place, ours).check_backbone(self.backbone, self.facts)
        spec = SharedSpec(
            content=package.content,
            name=name,
            backbone=self.backbone.fingerprint,
            method=model.method,
            made=made,
            begun_with=package.manifest.begun_with if package.manifest else (),
        )
        return spec, ours, recognised

    def _check_base(self, package: Package, base: str, *, same: bool) -> None:
        if not same and not self.base_differs:
            raise CompatibilityError(
                f"{package.place} was trained on {base}, which is not {self.backbone.name} as it is here.",
                remedy=f"Give --backbone {base}, or --base-differs if you know that both have the same weights.",
            )

    def _provenance(self, package: Package, recognised: Recognised | None) -> dict[str, Any]:
        """Its maker's provenance, and where it is from."""
        brought = {"place": package.place, "content": package.content, "brought": now()}
        if package.manifest:
            made = package.manifest.provenance.model_dump(mode="json")
            return {**made, "backbone": self.backbone.name, "shared": brought}
        unknown = {"versions": {}, "hardware": {}, "cost": {}, "train_seconds": 0.0, "wall_seconds": 0.0}
        left_out = list(recognised.left_out) if recognised else []
        return {
            "finished": now(),
            "backbone": self.backbone.name,
            **unknown,
            "shared": {**brought, "unknown": "how it was trained", "left_out": left_out},
        }


def called(package: Package) -> str:
    """What a model of another library is called: its repository or folder, in letters that a name may have."""
    last = package.place.partition("@")[0].rstrip("/").rpartition("/")[2]
    return re.sub("[^A-Za-z0-9_-]+", "_", last).strip("_-") or "shared"


def _metrics(package: Package, stored_bytes: int) -> dict[str, Any]:
    """What was measured when it was trained; of another library's model, nothing is known."""
    if package.manifest:
        return {**package.manifest.metrics.model_dump(mode="json"), "stored_bytes": stored_bytes}
    unknown = dict.fromkeys(("steps", "examples_seen", "tokens_seen", "flops", "train_examples"), 0)
    return {
        **unknown,
        "best_score": None,
        "best_step": None,
        "validation": {},
        "validation_all": {},
        "validation_examples": 0,
        "calibration": {},
        "parameters": {},
        "stored_bytes": stored_bytes,
    }


def _same_id(said: str, used: str) -> bool:
    return _MOVED.get(said, said) == _MOVED.get(used, used)
