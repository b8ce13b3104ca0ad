"""Profiles: named sets of defaults, one YAML file each. A flag overrides its profile."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any

import yaml
from pydantic import Field

from adapterstilts.errors import unknown
from adapterstilts.runs.specs import Phase
from adapterstilts.settings import MOST, Strict, validate


class Profile(Strict):
    """Defaults for one way of using the package.

    Attributes:
        name: What it is called: its file's name.
        backbone: Hugging Face id, folder, or `mini`.
        revision: Commit of a Hub backbone.
        source: Where rows come from when `--data-dir` is not given.
        published: Whose published hyperparameters are taken, where a recipe has several; see `Recipe.settings`.
        method: Tuning method with options, as on the command line.
        seeds: How many models each row of a comparison is the mean of.
        holdout: Training rows that are set aside for validation at most, where a task has no validation split.
        settings: Hyperparameters by scope: `all`, a method family, a phase, or `<phase>.<family>`, most specific last.
        max_train_examples: Training rows of each language that a phase takes at most, by phase.
    """

    name: str
    description: str
    backbone: str
    revision: str | None = None
    source: str
    published: str | None = None
    method: str
    seed: int
    seeds: int = Field(3, ge=1, le=1000)
    holdout: int = Field(500, ge=1, le=MOST)
    settings: dict[str, dict[str, Any]] = {}
    max_train_examples: dict[Phase, Annotated[int, Field(ge=1, le=MOST)]] = {}


def profile_names() -> list[str]:
    """All profiles of the package."""
    return sorted(path.name[: -len(".yaml")] for path in files(__name__).iterdir() if path.name.endswith(".yaml"))


def load_profile(name: str) -> Profile:
    """Reads the profile called `name`.

    Raises:
        UsageError: There is no such profile, or its file has an unknown key.
    """
    if name not in profile_names():
        raise unknown("profile", name, profile_names())
    text = files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return validate(Profile, {"name": name, **yaml.safe_load(text)}, where=f"profile {name}")
