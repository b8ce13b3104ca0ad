"""Stages as runs of TensorBoard, Weights & Biases and MLflow, by the callbacks that `transformers.Trainer` has for it.

They get what `log.jsonl` gets: loss and learning rate, validation scores, and beside them the spec. Nothing of this
decides a result, so no spec knows it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations import TensorBoardCallback

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import StageSpec
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.reporter import Reporter

FOLDER = "tensorboard"
"""Folder of the store in which TensorBoard's files are, one folder for each stage."""
_PROJECT = "adapterstilts"


@dataclass(frozen=True)
class Tracking:
    """Where one stage is shown.

    Attributes:
        names: Of trackers.
        stage: What the stage is called there.
        folder: Where TensorBoard's files of the stage go.
        spec: What is trained.
        on_progress: Called with (step, all steps, newly logged values).
    """

    names: tuple[str, ...]
    stage: str
    folder: Path
    spec: dict[str, Any]
    on_progress: Callable[[int, int, dict[str, float]], None]

    @classmethod
    def of(cls, names: Sequence[str], spec: StageSpec, store: RunStore, reporter: Reporter) -> Tracking:
        """That of a stage of a store, which a reporter is told of too."""
        stage = store.folder(spec).name
        shown = spec.model_dump(mode="json")
        return cls(tuple(names), stage, store.root / FOLDER / stage, shown, partial(reporter.trained, stage))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """While the stage is trained its runs are open; one of W&B that a killed process has begun is gone on with.

        They are opened here because the callbacks open none beside one that is open, and read their names from the
        environment, which W&B does once in a process and not for each stage.
        """
        with ExitStack() as opened:
            if "wandb" in self.names:
                import wandb

                try:
                    run = wandb.init(
                        project=os.environ.get("WANDB_PROJECT", _PROJECT),
                        id=self.stage,
                        name=self.stage,
                        resume="allow",
                        config={"spec": self.spec},
                        settings=wandb.Settings(quiet=True),
                    )
                except wandb.Error as error:
                    raise UsageError(
                        f"--report-to wandb: {str(error).rstrip('.')}.",
                        remedy="Log in with `wandb login`, or set WANDB_MODE=offline.",
                    ) from None
                opened.enter_context(run)
            if "mlflow" in self.names:
                import mlflow

                mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", _PROJECT))
                opened.enter_context(mlflow.start_run(run_name=self.stage))
                mlflow.log_text(self.text, "spec.json")
            yield

    @property
    def text(self) -> str:
        """The spec as JSON."""
        return json.dumps(self.spec, indent=1)


class Describe(TrainerCallback):
    """Puts the spec beside TensorBoard's numbers, whose callback opens its file when training begins."""

    def __init__(self, tracking: Tracking, callbacks: Sequence[TrainerCallback]) -> None:
        self.tracking = tracking
        self.callbacks = callbacks

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for one in self.callbacks:
            if isinstance(one, TensorBoardCallback) and one.tb_writer is not None:
                one.tb_writer.add_text("spec", f"```\n{self.tracking.text}\n```")
