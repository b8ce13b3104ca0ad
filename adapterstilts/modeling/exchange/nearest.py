"""The method, and the options that differ from its defaults, of a configuration that another library wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapterstilts.errors import AstiltsError, CompatibilityError
from adapterstilts.modeling.methods import METHODS, Method
from adapterstilts.runs.specs import MethodSpec

# How many options of size or form a part weighs.
_PART = 10


def nearest(fields: Mapping[str, Any], methods: Iterable[Method], *, where: str) -> MethodSpec:
    """The method of which the fewest options have to be given for these fields.

    An option that says that a part is there, or is not, weighs more than one of size or form.

    Args:
        fields: Every field of the configuration; of a method in several parts, `part.field`.
        methods: Those that can be meant.
        where: How the configuration is called in errors.

    Raises:
        CompatibilityError: No method has these fields, or one has no such value.
    """
    found: list[tuple[int, str, dict[str, Any]]] = []
    reasons: list[str] = []
    for method in methods:
        defaults = method.resolve({})
        unknown = sorted(name for name, value in fields.items() if name not in defaults and value not in (None, False))
        options = {name: value for name, value in fields.items() if name in defaults and value != defaults[name]}
        try:
            taken = method.resolve(options)
        except AstiltsError as error:
            reasons.append(error.message[:200])
            continue
        lost = [name for name, value in options.items() if taken[name] != value]
        if unknown or lost:
            reasons.append(
                f"{method.name} has no {', '.join(f'{one}={fields[one]!r}'[:100] for one in (unknown or lost))}"
            )
        else:
            distance = sum(_PART if _is_part(value, defaults[name]) else 1 for name, value in options.items())
            found.append((distance, method.name, options))
    if not found:
        raise CompatibilityError(
            f"{where} has a configuration that no method has: {'; '.join(reasons[:3]) or 'of an unknown kind'}.",
            remedy="Methods: `astilts methods`.",
        )
    _, name, options = min(found, key=lambda one: one[:2])
    return METHODS.get(name).normalize(MethodSpec(name=name, options=options))


def _is_part(value: Any, default: Any) -> bool:
    """Whether an option says that something is there or not."""
    return type(default) is bool or value is None or default is None
