"""Models that others made, as runs that a command can start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapterstilts.commands.options import SharedModelOptions
from adapterstilts.errors import UsageError
from adapterstilts.runs.shots import FEW_SHOT
from adapterstilts.runs.specs import SharedSpec
from adapterstilts.runs.specs import key as key_of
from adapterstilts.runs.store import Run
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.package import Package
from adapterstilts.sharing.places import Places, shipped
from adapterstilts.sharing.references import PlaceReference
from adapterstilts.sharing.registry import Registry
from adapterstilts.stages.planner import Planner


@dataclass(frozen=True)
class SharedModels:
    """Shared models on the command's backbone.

    Attributes:
        places: Where they are.
        adoption: How they become runs.
    """

    planner: Planner
    places: Places
    adoption: Adoption

    @classmethod
    def of(
        cls, planner: Planner, options: SharedModelOptions, *, note: Callable[[str], None] = lambda text: None
    ) -> SharedModels:
        """Those that the options allow.

        Args:
            note: Told what is waited for.

        Raises:
            SharingError: A registry cannot be reached at all.
        """
        setup = planner.setup
        registries = tuple(Registry(url, note) for url in options.registry or ())
        return cls(
            planner,
            Places(setup.store.cache / "shared", registries, options.allow_pickle, note),
            Adoption(
                setup.backbone,
                planner.facts,
                setup.store,
                base_differs=options.base_differs,
                allow_pickle=options.allow_pickle,
                note=note,
            ),
        )

    def at(self, reference: PlaceReference) -> Run:
        """The model at a place, in the store.

        Raises:
            CompatibilityError: It is for another backbone.
            SharingError: It is no model, or not safe to read.
            HubError: The Hub could not deliver it.
        """
        return self.adoption.adopt(self.places.fetch(reference))

    def shipped(self, task: str, *, key: str = "") -> Run | None:
        """The adapter for a task that the package has, if it is one for the command's backbone and method.

        Args:
            key: First digits of the key that its run has, in place of the method.
        """
        for package in shipped():
            made = package.manifest.spec if package.manifest else None
            if not made or not same_tasks(made.task, task) or made.backbone != self.planner.setup.backbone.fingerprint:
                continue
            if self._key(package).startswith(key) if key else made.method == self.planner.method.spec:
                return self.adoption.adopt(package)
        return None

    def shipped_tasks(self) -> list[str]:
        """The tasks of which there is one."""
        return [
            package.manifest.spec.task
            for package in shipped()
            if package.manifest
            and package.manifest.spec.backbone == self.planner.setup.backbone.fingerprint
            and package.manifest.spec.method == self.planner.method.spec
        ]

    def in_registries(self, task: str) -> Run | None:
        """The model of a task in the first registry that has one for the command's backbone and method.

        Raises:
            UsageError: It has several.
        """
        spec, backbone = self.planner.method.spec, self.planner.setup.backbone.fingerprint
        for registry in self.places.registries:
            entries = registry.entries()
            fitting = [
                entry
                for entry in entries
                if same_tasks(entry.task, task)
                and entry.stage != FEW_SHOT  # such a model is taken by its own name alone
                and entry.fingerprint == backbone
                and entry.method == str(spec)
            ]
            if len(fitting) > 1:
                commands = ", ".join(registry.reference(entry, entries) for entry in fitting)
                raise UsageError(
                    f"{registry.name} has {len(fitting)} models of {task} with method {spec}.",
                    remedy=f"Choose one: {commands}.",
                )
            if fitting:
                return self.adoption.adopt(self.places.fetch_entry(registry, fitting[0]))
        return None

    def _key(self, package: Package) -> str:
        return key_of(self.adoption.spec(package))


def same_tasks(one: str, other: str) -> bool:
    """Whether two names mean the same tasks, in whatever order."""
    return sorted(one.split("+")) == sorted(other.split("+"))


def shared_from(run: Run) -> str | None:
    """Where a shared model is from; None for a run that was made here."""
    return str(run.provenance["shared"]["place"]) if isinstance(run.spec, SharedSpec) else None


def is_strangers(run: Run) -> bool:
    """Whether a run is a shared model that neither this store nor the package made."""
    spec = run.spec
    return isinstance(spec, SharedSpec) and spec.content not in {package.content for package in shipped()}
