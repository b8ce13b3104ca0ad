"""Writing a finished run's model as the libraries write theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapterstilts.errors import SharingError
from adapterstilts.files import write_json
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.exchange.loading import expression, loading_code
from adapterstilts.modeling.exchange.notes import notes
from adapterstilts.modeling.exchange.origin import Origin
from adapterstilts.modeling.exchange.plan import Plan, plan
from adapterstilts.modeling.methods import Library
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors
from adapterstilts.settings import Strict

COMPOSITION = "composition.json"


class ExportedPart(Strict):
    """One part of an exported model.

    Attributes:
        folder: Within the model's; empty for that itself.
        kind: `adapter`, `merged` (an adapter that became part of the backbone), `fusion`, `head` or `backbone`.
        name: Of the adapter, the fusion or the task; empty for heads with our names.
    """

    folder: str
    kind: str
    name: str


class Exported(Strict):
    """What was exported.

    Attributes:
        library: The library that loads it.
        auto_class: The class of `transformers` or `adapters` that the backbone is loaded with.
        active: The composition of adapters as an expression of `adapters`; None for the other libraries.
        loading: Python that loads it with the library alone, where `FOLDER` is the folder and `BASE` the backbone.
        notes: What the library cannot load, or gives otherwise, and why; a sentence each.
    """

    library: Library
    auto_class: str | None
    active: str | None
    parts: tuple[ExportedPart, ...]
    loading: str
    notes: tuple[str, ...]


def export_model(
    stored: StoredModel,
    backbone: Backbone,
    folder: Path,
    *,
    labels: Mapping[str, Sequence[str]],
    base: str,
    revision: str | None,
) -> Exported:
    """Writes a model into an empty folder, in the format of the library that its parts come from.

    Of the backbone's weights, none are read unless the model has some of its own.

    Args:
        labels: Task to the names of its labels, in order.
        base: What the backbone is called where the model is going to be used.
        revision: Its commit.

    Raises:
        SharingError: The folder is not empty.
        StoreError: The run's weights cannot be read.
        CompatibilityError: The backbone is another one.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SharingError(f"{folder} is not empty.", remedy="Give an empty folder.")
    folder.mkdir(parents=True, exist_ok=True)
    planned = plan(stored.description, backbone, Origin(base, revision, labels))
    tensors = read_tensors(stored.folder / WEIGHTS)
    for part in planned.parts:
        part.write(folder, tensors)
    exported = _described(planned)
    if len(planned.parts) > 1 and any(part.folder for part in planned.parts):
        write_json(folder / COMPOSITION, exported.model_dump(mode="json", exclude={"loading", "notes"}))
    return exported


def _described(planned: Plan) -> Exported:
    outer = planned.outer
    return Exported(
        library=planned.library,
        auto_class=outer.auto_class if outer else "AutoAdapterModel",
        active=expression(planned.live) if planned.library == "adapters" else None,
        parts=tuple(ExportedPart(folder=one.folder, kind=one.kind, name=one.name) for one in planned.parts),
        loading=loading_code(planned),
        notes=notes(planned),
    )
