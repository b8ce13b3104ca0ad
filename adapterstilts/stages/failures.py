"""Stages that failed: what is kept of it beside their checkpoints, and the one error that sums them up."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from adapterstilts.errors import AstiltsError, StoreError
from adapterstilts.files import write_json
from adapterstilts.runs.provenance import now
from adapterstilts.runs.records import read_record
from adapterstilts.runs.specs import StageSpec
from adapterstilts.runs.store import CHECKPOINTS, KEY_DIGITS, RunStore
from adapterstilts.settings import Strict

RECORD, LOG = "failure.json", "error.log"
_SHOWN = 10


class Failure(Strict):
    """A stage that failed.

    Attributes:
        name: What its run would be called.
        error: The message with its remedy, and `sort` the class of the error.
        when: ISO 8601, in UTC.
        attempts: How often the command tried.
        log: The file with the tracebacks of all attempts; None where it could not be written.
        command: What makes this stage alone; None where no command line did.
    """

    name: str
    key: str
    error: str
    sort: str
    when: str
    attempts: int = 1
    log: Path | None = None
    command: str | None = None


class StagesFailedError(AstiltsError):
    """Several stages of a command failed.

    Attributes:
        failures: Each of them.
        dropped: Names of the stages that were not made because they need one of these.
    """

    def __init__(self, failures: Sequence[Failure], dropped: Sequence[str]) -> None:
        self.failures = list(failures)
        self.dropped = list(dropped)
        lines = [f"{len(failures)} stages failed{_therefore(dropped)}."]
        for one in failures[:_SHOWN]:
            lines += [f"{one.name}: {one.error}", *([f"  traceback: {one.log}"] if one.log else [])]
        if (more := len(failures) - _SHOWN) > 0:
            lines.append(f"{more} more, each with {CHECKPOINTS}/{LOG} in its folder below .work.")
        remedy = "Repeat the command when their causes are mended: what is in the store is not made again."
        super().__init__("\n".join([*lines, remedy]))
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[StagesFailedError], tuple[list[Failure], list[str]]]:
        return type(self), (self.failures, self.dropped)


class RecordedError(AstiltsError):
    """What another process has recorded of a stage that failed there.

    Attributes:
        failure: The record.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


def _therefore(dropped: Sequence[str]) -> str:
    if not dropped:
        return ""
    more = f" and {len(dropped) - _SHOWN} more" if len(dropped) > _SHOWN else ""
    return f", and without them these cannot be made: {', '.join(dropped[:_SHOWN])}{more}"


def record_failure(
    store: RunStore, spec: StageSpec, error: BaseException, *, attempts: int, command: str | None, text: str = ""
) -> Failure:
    """Keeps what is known of a failure in the stage's work folder, unless another process works there by now.

    Args:
        text: The traceback, where it is not that of `error`.
    """
    folder = store.folder(spec)
    failure = Failure(
        name=folder.name,
        key=folder.name[-KEY_DIGITS:],
        error=_message(error),
        sort=type(error).__name__,
        when=now(),
        attempts=attempts,
        command=command,
    )
    text = text or "".join(traceback.format_exception(error))
    try:
        with store.claim(spec, on_wait=_not_now) as work:
            (work / CHECKPOINTS).mkdir(exist_ok=True)
            log = work / CHECKPOINTS / LOG
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{failure.when}, attempt {attempts}\n{text}\n")
            failure = failure.model_copy(update={"log": log})
            write_json(work / CHECKPOINTS / RECORD, failure.model_dump(mode="json"))
    except (OSError, StoreError, _AtWorkError):  # what failed matters more than that it could not be written down
        pass
    return failure


def recorded_failure(work: Path) -> Failure | None:
    """What `record_failure` kept in a work folder, if the stage has not been begun again since."""
    try:
        return read_record(work / CHECKPOINTS / RECORD, Failure)
    except StoreError:
        return None


def forget_failure(work: Path) -> None:
    """Removes the record when the stage begins again; the log stays until it is finished."""
    (work / CHECKPOINTS / RECORD).unlink(missing_ok=True)


def let_go(error: BaseException | None) -> None:
    """Frees what the frames of an error's tracebacks hold, such as a model; where it happened stays known."""
    while error is not None:
        if error.__traceback__ is not None:
            traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def command_alone(key: str, *, single: bool) -> str | None:
    """The command line that makes one stage of what this process makes; None where it was not begun by one.

    Args:
        single: Whether there is no other stage.
    """
    words = sys.argv
    program = Path(words[0])
    if len(words) < 2 or (program.name != "astilts" and program.parts[-2:] != ("adapterstilts", "__main__.py")):
        return None
    return shlex.join(["astilts", *words[1:], *([] if single else ["--only", key[:KEY_DIGITS]])])


class _AtWorkError(Exception):
    """Another process works on a stage."""


def _not_now(message: str) -> None:
    raise _AtWorkError(message)


def _message(error: BaseException) -> str:
    match error:
        case AstiltsError():
            return str(error)
    return f"{type(error).__name__}: {error}"
