"""What a command says about all of its stages, and what is known of its backbone, before any stage is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.methods import METHODS
from adapterstilts.profiles import Profile
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import MethodSpec, Phase, Precision
from adapterstilts.settings import Encoding, Pooling, Settings
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind

# Raise it when options that were taken are refused: what a method comes out as is remembered.
_VERSION = "2"


@dataclass(frozen=True)
class ResolvedMethod:
    """A method with all options of its library.

    Attributes:
        spec: The method with only the options that differ from the library's defaults.
        config: Every option, as it comes out.
    """

    spec: MethodSpec
    config: dict[str, Any]

    @classmethod
    def of(cls, spec: MethodSpec, memory: Memory) -> ResolvedMethod:
        """Asks the method's library, unless it has been asked before.

        Raises:
            UsageError: An option is unknown or has a value that the library refuses.
            CompatibilityError: The library is not installed.
        """
        entry = METHODS.get(spec.name)

        def find() -> list[dict[str, Any]]:
            normal = entry.normalize(spec)
            return [normal.model_dump(mode="json"), entry.resolve(normal.options)]

        if not entry.adds_adapter:
            found = find()
        else:
            found = memory.recall("method", _VERSION, str(spec), repr(entry), entry.library_version, find=find)
        return cls(MethodSpec.model_validate(found[0]), found[1])


@dataclass(frozen=True)
class Planner:
    """What all stages of a command are planned from.

    Attributes:
        facts: What is known of the backbone.
        precision: Number format of the frozen weights and of the products.
        settings: Hyperparameters that were given by hand.
        seed: Of initialisation, dropout and batch order.
        pooling: How one vector of a text is read, where that is not left to the backbone.
        declared_pooling: How the backbone itself says that it is read, where it does.
        max_train_examples: Upper bound on training examples of each language.
        skip_bad_rows: Whether malformed rows are left out.
        first_weights: The seed that new weights are drawn with, whatever `seed` is.
        validation_from: `train` or `none`; by default a file that the setup has, or else the task's own rows.
    """

    setup: Setup
    facts: Facts
    profile: Profile
    method: ResolvedMethod
    precision: Precision
    settings: Mapping[str, Any]
    seed: int
    pooling: Pooling | None = None
    declared_pooling: Pooling | None = None
    max_train_examples: int | None = None
    skip_bad_rows: bool = False
    validation_from: Literal["train", "none"] | None = None
    first_weights: int | None = None

    def most_examples(self, phase: Phase) -> int | None:
        """How many training examples of each language a phase takes at most; None for all."""
        return self.max_train_examples or self.profile.max_train_examples.get(phase)

    def encoding(self, settings: Settings, kind: Kind) -> Encoding:
        """How texts of a kind become tokens of this backbone."""
        return settings.encoding(kind.encoding_fields, separator=self.facts.separator, causal=self.facts.causal)
