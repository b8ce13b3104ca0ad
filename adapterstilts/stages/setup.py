"""What a worker needs besides a spec to run any stage of a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapterstilts.data.sources.rows import Source
from adapterstilts.data.sources.rows_file import RowsFile
from adapterstilts.data.sources.validation_file import ValidationFile
from adapterstilts.data.translation.reading import Translations
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.runs.store import RunStore
from adapterstilts.tasks.catalogue import Catalogue


@dataclass(frozen=True)
class Setup:
    """Where things are and how much fits: what no spec holds because it does not decide a result.

    It is small and can be pickled, so that an engine can hand it to another process.

    Attributes:
        store: Where finished stages are found and published.
        source: Where rows come from.
        backbone: The located checkpoint, whose fingerprint specs hold.
        device: `auto`, `cpu` or `cuda`, as the machine that works on a stage has it.
        tokens_per_batch: Padded tokens in a micro-batch.
        compile: Whether backbones are compiled before they are trained.
        cuda_graphs: Whether the steps of a training are recorded where one GPU computes them.
        translations: Where training rows in other languages come from.
        validation_file: Where the rows come from that select checkpoints, in place of the tasks' own.
        report_to: Trackers that training is shown in: `tensorboard`, `wandb`, `mlflow`.
        shot_files: Language to the file that labelled rows of it are drawn from, in place of the task's own.
        test_translations: Where English rows come from that are scored instead of other languages' own.
    """

    store: RunStore
    catalogue: Catalogue
    source: Source
    backbone: Backbone
    device: str = "auto"
    tokens_per_batch: int = 8192
    compile: bool = False
    cuda_graphs: bool = True
    translations: Translations | None = None
    test_translations: Translations | None = None
    validation_file: ValidationFile | None = None
    report_to: tuple[str, ...] = ()
    shot_files: Mapping[str, RowsFile] = field(default_factory=dict)
