"""Making translations of a task's rows: of its English training rows, or of its test rows into English."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from adapterstilts.commands.options import TranslationOptions
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.sources.rows import Source
from adapterstilts.data.splits import rows_to_translate
from adapterstilts.data.translation.families import speak
from adapterstilts.data.translation.layout import Direction, file_of, provenance_of, write_translations
from adapterstilts.data.translation.model import Checkpoint, Translator, locate_checkpoint
from adapterstilts.data.translation.texts import check_translatable, needed_texts, stops_of, translate_row
from adapterstilts.data.translation.work import Texts, translate_texts
from adapterstilts.errors import DataError, UsageError
from adapterstilts.files import file_digest, write_json
from adapterstilts.languages import ENGLISH, LANGUAGES, check_languages
from adapterstilts.modeling.precision import choose_device, choose_precision
from adapterstilts.profiles import load_profile
from adapterstilts.runs.provenance import Stopwatch
from adapterstilts.stages.reporter import Reporter
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.translation import Lost

# Part of what names unfinished work: raise it when the same texts are translated in another way than before.
_WORK_VERSION = 1

Row = Mapping[str, Any]


@dataclass(frozen=True)
class TranslationResult:
    """A file of translations.

    Attributes:
        title: What tables call the task.
        rows: Rows that were translated.
        dropped: Reason to the number of rows that could not be.
        texts: Texts (mostly sentences) that were translated, each once.
        repeated_texts: How often rows have one of them again.
        cut_short: Texts whose translation the bound on its length has ended.
        kept: Batches of texts that an interrupted process had translated.
        path: The file; what made it is in the JSON file beside it.
    """

    task: str
    title: str
    split: str
    source_language: str
    target_language: str
    model: str
    rows: int
    dropped: dict[str, int]
    texts: int
    repeated_texts: int
    cut_short: int
    kept: int
    path: Path

    @classmethod
    def of(cls, path: Path, record: Mapping[str, Any], *, title: str) -> TranslationResult:
        """Reads the result from what is recorded beside the file of the task called `title`."""
        same = ("task", "split", "source_language", "target_language", "rows", "dropped", "texts", "repeated_texts",
                "cut_short")  # fmt: skip
        revision = f"@{record['model']['revision'][:12]}" if record["model"]["revision"] else ""
        return cls(
            **{name: record[name] for name in same},
            model=record["model"]["name"] + revision,
            title=title,
            kept=record["batches_kept"],
            path=path,
        )


@dataclass
class _Outcome:
    """What became of a task's rows.

    Attributes:
        bad: What happened to those that the source could not read.
        rows: (source row, translated row) of each that was translated.
        dropped: Id of each other to why it was not.
        needed: Id to the texts that had to be translated for the row.
    """

    bad: BadRows
    rows: list[tuple[Row, Row]] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)
    needed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """All texts that had to be translated, in the rows' order."""
        return [text for asked in self.needed.values() for text in asked]


@in_catalogue
def run_translation(task: str, options: TranslationOptions, reporter: Reporter) -> list[TranslationResult]:
    """Translates a task's rows in every direction that is asked for; see `adapterstilts.translate`."""
    from transformers import AutoTokenizer

    catalogue = Catalogue.load(options.tasks)
    found = catalogue.recipe(task)
    check_translatable(found)
    directions = _directions(options)
    split = options.split or ("train" if directions[0].source == ENGLISH else "test")
    profile = load_profile(options.profile)
    source = open_source("files" if options.data_dir else profile.source, options.data_dir)
    for direction in directions:
        _check_rows(source, found, split, direction, catalogue)
    checkpoint = locate_checkpoint(options.model, revision=options.revision)
    tokenizer = checkpoint.load(AutoTokenizer)
    for direction in directions:
        speak(tokenizer, direction, name=checkpoint.name)
    translation = Translation(found, split, options, source, profile.holdout, checkpoint, reporter)
    return [translation.translate(direction) for direction in directions]


def _directions(options: TranslationOptions) -> list[Direction]:
    """From English to each language of `--to`, or from each language of `--from` to English.

    Raises:
        UsageError: A language is unknown or given twice, or neither side is English alone.
    """
    sources = check_languages(options.from_, available=LANGUAGES, owner="--from")
    targets = check_languages(options.to, available=LANGUAGES, owner="--to")
    sides = (sources, targets)
    if sides.count((ENGLISH,)) != 1 or any(ENGLISH in side for side in sides if side != (ENGLISH,)):
        raise UsageError(
            f"--from {','.join(sources)} --to {','.join(targets)}: one side has to be English, and the other not.",
            remedy="Give --to de,zh for training rows, or --from de,zh --to en for test rows.",
        )
    return [Direction(one, other) for one in sources for other in targets]


def _check_rows(source: Source, task: Recipe, split: str, direction: Direction, catalogue: Catalogue) -> None:
    """Refuses a split that is not there.

    Raises:
        DataError: See above; of a target that is trained on another task's data, that task is named.
    """
    if not (missing := source.missing(task, split, direction.source)):
        return
    others = (
        [one.name for one in catalogue.training_recipes(task, source.name) if one != task] if split == "train" else []
    )
    remedy = f"{task.name} is trained on {' and '.join(others)}: translate that." if others else "Check --data-dir."
    raise DataError(f"{task.name}: no {split} rows in {direction.source}: {missing} is not there.", remedy=remedy)


@dataclass(frozen=True)
class Translation:
    """What all directions of one command share."""

    task: Recipe
    split: str
    options: TranslationOptions
    source: Source
    holdout: int
    checkpoint: Checkpoint
    reporter: Reporter

    def translate(self, direction: Direction) -> TranslationResult:
        """One direction: rows, texts, translations, files; what is finished is not done again.

        Raises:
            UsageError: There is a file of other translations, or another process works on this one.
            DataError: No row could be translated.
        """
        watch = Stopwatch()
        outcome = _Outcome(BadRows(skip=self.options.skip_bad_rows))
        rows = self._rows(direction, outcome.bad)
        kind = self.task.build_kind()
        for row in rows:
            try:
                outcome.needed[row["id"]] = needed_texts(kind, row, language=direction.target)
            except Lost as reason:
                outcome.dropped[row["id"]] = str(reason)
        identity = self._identity(direction, rows)
        path = file_of(self.options.out, self.task, self.split, direction)
        if (done := _finished(path, identity)) and not self.options.force:
            self._check_cut_short(done["cut_short"], done["texts"], direction)
            self.reporter.note(f"{path}: already translated")
            return TranslationResult.of(path, done, title=self.task.title)
        work = self.options.out / ".work" / hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
        self._check_free(path, work)
        self.options.out.mkdir(parents=True, exist_ok=True)
        with _alone(work):
            translator = self._translator(direction)
            track = partial(self.reporter.track, label=f"{self.task.name} {direction}")
            translated = translate_texts(translator, outcome.texts, work, track=track)
            self._check_cut_short(len(translated.unfinished), len(translated.found), direction)
            self._put_together([row for row in rows if row["id"] in outcome.needed], translated, direction, outcome)
            if not outcome.rows:
                reasons = "; ".join(f"{reason} ({n:,})" for reason, n in Counter(outcome.dropped.values()).items())
                raise DataError(
                    f"None of the {len(rows):,} rows of {self.task.name} is left after translation: {reasons}.",
                    remedy="Use another model.",
                )
            write_translations(path, outcome.rows, columns=kind.translated_columns)
            record = {
                **self._described(direction, translator),
                "identity": identity,
                "sha256": file_digest(path),
                **_counted(outcome, translated),
            }
            write_json(provenance_of(path), watch.record(**record))
            shutil.rmtree(work)
        return TranslationResult.of(path, record, title=self.task.title)

    def _rows(self, direction: Direction, bad: BadRows) -> list[dict[str, Any]]:
        size = self.options.max_train_examples
        source, split = direction.source, self.split
        return rows_to_translate(self.source, self.task, split, source, bad, size=size, holdout=self.holdout).to_list()

    def _translator(self, direction: Direction) -> Translator:
        import torch
        from transformers import AutoConfig

        device = choose_device(self.options.device)
        return Translator(
            self.checkpoint,
            direction,
            beams=self.options.beams,
            tokens_per_batch=self.options.tokens_per_batch,
            device=device,
            dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[self._precision(self.checkpoint.load(AutoConfig))],
        )

    def _precision(self, config: Any) -> str:
        return choose_precision(self.options.precision, device=self.options.device, hidden_size=config.hidden_size)

    def _identity(self, direction: Direction, rows: Sequence[Row]) -> dict[str, Any]:
        """Everything that decides the translations, and the batches in which they are made."""
        from transformers import AutoConfig

        content = json.dumps(rows, sort_keys=True, ensure_ascii=True)
        return {
            "version": _WORK_VERSION,
            "task": self.task.name,
            "split": self.split,
            "direction": str(direction),
            "model": self.checkpoint.fingerprint,
            "beams": self.options.beams,
            "precision": self._precision(self.checkpoint.load(AutoConfig)),
            "tokens_per_batch": self.options.tokens_per_batch,
            "rows": hashlib.sha256(content.encode("ascii")).hexdigest(),
            **({"stops": stops} if (stops := stops_of(direction.source)) else {}),
        }

    def _check_free(self, path: Path, work: Path) -> None:
        """Refuses to write over a file that this command has not begun."""
        if path.exists() and not work.exists() and not self.options.force:
            raise UsageError(
                f"{path} has other translations: of other rows, by another model, or with other settings.",
                remedy="Give another --out, or write over it with --force.",
            )

    def _check_cut_short(self, cut: int, count: int, direction: Direction) -> None:
        """Refuses translations of which too many were ended by the bound on their length."""
        if cut > self.options.max_cut_short * count:
            raise DataError(
                f"{cut:,} of {count:,} translations ({100 * cut / count:.0f}%) of {self.task.name}, {direction}, by "
                f"{self.checkpoint.name} have no end: the bound on their length cut them short.",
                remedy="Use another model, or allow it with --max-cut-short 1.",
            )

    def _put_together(self, rows: Iterable[Row], texts: Texts, direction: Direction, outcome: _Outcome) -> None:
        """The translated rows, from their translated texts."""
        kind = self.task.build_kind()

        def into(text: str) -> str:
            if text in texts.too_long:
                raise Lost("a sentence is longer than the model reads")
            return texts.found[text]

        for row in rows:
            try:
                made = translate_row(kind, row, into, language=direction.target)
                kind.check(made)
            except Lost as reason:
                outcome.dropped[row["id"]] = str(reason)
            else:
                outcome.rows.append((row, made))

    def _described(self, direction: Direction, translator: Translator) -> dict[str, Any]:
        """What the provenance says of the rows and the model, before anything is translated."""
        return {
            "task": self.task.name,
            "split": self.split,
            "source_language": direction.source,
            "target_language": direction.target,
            "model": {
                "name": self.checkpoint.name,
                "revision": self.checkpoint.revision,
                "fingerprint": self.checkpoint.fingerprint,
                "family": translator.speaking.family,
                "codes": translator.speaking.codes,
            },
            "source": self.source.fingerprint(self.task, self.split, direction.source),
        }


def _counted(outcome: _Outcome, translated: Texts) -> dict[str, Any]:
    """What the provenance says of the rows and texts that were translated."""
    texts = outcome.texts
    return {
        "rows": len(outcome.rows),
        "dropped": dict(Counter(outcome.dropped.values())),
        "dropped_rows": outcome.dropped,
        "texts": len(set(texts)),
        "repeated_texts": len(texts) - len(set(texts)),
        "cut_short": len(translated.unfinished),
        "batches_kept": translated.kept,
        "rows_left_out": outcome.bad.counts,
        "rows_omitted_by_design": outcome.bad.omitted,
    }


def _finished(path: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is recorded of a file that holds these very translations, and has not been changed since."""
    try:
        record = json.loads(provenance_of(path).read_text(encoding="utf-8"))
        return record if record["identity"] == identity and record["sha256"] == file_digest(path) else None
    except (OSError, ValueError, KeyError):
        return None


class _alone:  # noqa: N801 (used like a function)
    """Holds a work folder for this process.

    Raises:
        UsageError: Another process works in it.
    """

    def __init__(self, work: Path) -> None:
        work.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(work.with_name(f"{work.name}.lock"))
        self._work = work

    def __enter__(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                f"Another process makes the same translations below {self._work.parent.parent}.",
                remedy="Wait for it, and then give the command again.",
            ) from None

    def __exit__(self, *error: object) -> None:
        self._lock.release()
