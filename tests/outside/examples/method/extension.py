"""A tuning method from outside the package: one that the `peft` library has, by its configuration class."""

from __future__ import annotations

from typing import Any

from adapterstilts.modeling.methods import Method


def register(catalogue: Any) -> None:
    summary = "chains of Householder reflections (Yuan et al. 2024)"
    method = Method("peft:hra", summary, "peft", compositions=("stack", "continue"), below=True, config="HRAConfig")
    catalogue.methods.add(method.name, method)
