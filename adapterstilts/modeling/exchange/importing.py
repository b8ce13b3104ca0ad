"""Reading a model that another library wrote, or that was exported for one, under our names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from adapterstilts.errors import AstiltsError, CompatibilityError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import ModelDescription
from adapterstilts.modeling.exchange.called import called_in, ignored_in
from adapterstilts.modeling.exchange.origin import Origin
from adapterstilts.modeling.exchange.patterns import check_all_patterns
from adapterstilts.modeling.exchange.plan import plan
from adapterstilts.modeling.exchange.weights import Weights


def import_model(
    folder: Path, description: ModelDescription, backbone: Backbone, *, allow_pickle: bool = False
) -> dict[str, torch.Tensor]:
    """The tensors that a run of the model keeps, by the names that it keeps them under.

    All headers are checked against the model that the description is of before any tensor is read.

    Args:
        allow_pickle: Whether weights that are there as pickles alone are read, as plain tensors.

    Raises:
        SharingError: A file is not what it should be, or has a number that is none.
        CompatibilityError: The backbone is another one, or a tensor is missing, unknown, or of another shape or type.
    """
    check_all_patterns(description, where=str(folder))
    weights = Weights(folder, allow_pickle)
    adapter, head = called_in(folder, description)
    origin = Origin(adapter=adapter, head=head, ignored=ignored_in(weights, description))
    with _explained(folder):
        planned = plan(description, backbone, origin)
    for part in planned.parts:
        part.check(weights)
    found: dict[str, torch.Tensor] = {}
    for part in planned.parts:
        found |= part.read(weights)
    return {name: found[name] for name in planned.kept}


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Says of whatever the libraries, or we, stumble over that there is no model of such a description."""
    try:
        yield
    except AstiltsError:
        raise
    except Exception as error:  # what a stranger describes can be wrong in any way
        reason = next(iter(str(error).splitlines()), "")[:200]
        raise CompatibilityError(
            f"There is no model as {folder} describes it ({type(error).__name__}: {reason}).",
            remedy="Get the folder again from where it came from.",
        ) from error
