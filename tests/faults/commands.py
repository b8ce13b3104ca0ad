"""Commands that are killed, get too little room, or run many at a time: repeated, they end with the same result.

They are real processes, forked from one that has loaded the libraries, on a backbone so small that a training takes a
second.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from adapterstilts.runs.store import MANIFEST, RunStore
from adapterstilts.sharing.registry import Registry
from tests import processes
from tests.conftest import save_tiny_backbone
from tests.processes import Command
from tests.translation_models import save_marian, sentences

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
PATIENCE = 300
LANGUAGES = ("--languages", "en,de", "--max-eval-examples", "16", "--seeds", "1")
# Of file operations, those that leave something behind.
CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"})


@dataclass
class Row:
    """What came of one kind of attempt.

    Attributes:
        what: The kind, as it is shown.
        tried: Attempts: kills, mutants, processes that ran at once, disks.
        lost: Commands that could not be brought to an end, or whose work was gone.
        wrong: Those whose result was another one than without interruption.
        raw: Errors that nobody meant: with a traceback, or of another class than the package's own.
        executed: Files of strangers that were run as code.
    """

    what: str
    tried: int = 0
    lost: int = 0
    wrong: int = 0
    raw: int = 0
    executed: int = 0
    examples: list[str] = field(default_factory=list)

    def count(self, what: str, example: str) -> None:
        """One more of `what`, and how it came about."""
        setattr(self, what, getattr(self, what) + 1)
        self.examples.append(example)
        print(f"\n{self.what}: {what}: {example}", file=sys.stderr)


@dataclass(frozen=True)
class Work:
    """A kind of command.

    Attributes:
        words: From a folder to the command's words; `store` and `out` lie in it.
        result: From the folder to what has to be the same.
        before: Commands that are run first.
        finished: What a repeated command says where an interrupted one had come to its end after all.
    """

    what: str
    words: Callable[[Path], list[str]]
    result: Callable[[Path], object]
    before: Callable[[Path], list[list[str]]] = lambda folder: []
    finished: str = "nothing"


def weights(folder: Path) -> object:
    """The digests of all weights and scores in a store, by run."""
    found = {}
    for run in RunStore(folder / "store").runs():
        manifest = json.loads((run.check().folder / MANIFEST).read_text(encoding="utf-8"))
        kept = {
            name: one["sha256"] for name, one in manifest.items() if name.endswith(".safetensors") or "scores/" in name
        }
        metrics = {name: value for name, value in run.metrics.items() if "seconds" not in name}
        found[run.folder.name] = {**kept, "metrics": metrics}
    return found


def files(folder: Path) -> object:
    """The content of what a command wrote to `out`, but for what has times or places in it, such as cards."""
    paths = sorted(path for out in folder.glob("out*") for path in (out, *out.rglob("*")) if path.is_file())
    return [
        # A package lies below the digest of its card and all else.
        (re.sub(r"/[0-9a-f]{12}/", "/", path.relative_to(folder).as_posix()), path.read_bytes())
        for path in paths
        if path.suffix in (".tsv", ".jsonl", ".csv", ".safetensors", ".tar")
    ]


def _name(registry: Path) -> str:
    """The only model of a registry."""
    return next((entry.name for entry in Registry(str(registry)).entries()), "none")


def kinds(backbone: Path) -> dict[str, Work]:
    """All kinds of commands, on a backbone."""
    mini = ["--profile", "mini", "--backbone", str(backbone), "--max-train-examples", "24", "--batch-size", "8",
            "--max-validation-examples", "16", "--tokens-per-batch", "128"]  # fmt: skip

    def store(at: Path) -> list[str]:
        return ["--store", str(at / "store")]

    def train(at: Path, *more: str) -> list[str]:
        return ["train-intermediate", "squad", *mini, "--epochs", "4", "--eval-steps", "3", *store(at), *more]

    def trained(at: Path) -> list[list[str]]:
        return [train(at)]

    def study(at: Path, *more: str) -> list[str]:
        options: dict[str, Any] = {"profile": "mini", "backbone": str(backbone), "languages": "en,de", "seeds": 1}
        options |= {"max_eval_examples": 16, "max_train_examples": 24, "batch_size": 8, "epochs": 1}
        axes = {"from": ["squad"], "to": ["mlqa"], "intermediate_examples": [24]}
        asked = {"title": "Soak", "question": "What is left?", "axes": axes, "options": options}
        path = at / "own.yaml"
        path.write_text(json.dumps({**asked, "intermediate": {"epochs": 1, "batch_size": 8}}), encoding="utf-8")
        return ["study", "run", str(path), *store(at), *more]

    def translate(at: Path) -> list[str]:
        if not (model := backbone.with_name("marian")).exists():
            save_marian(model, sentences("en", "de"), positions=40)
        return ["translate", "mnli", "--to", "de", "--model", str(model), "--profile", "mini", "--out", str(at / "out"),
                "--max-train-examples", "40", "--tokens-per-batch", "64", "--max-cut-short", "1"]  # fmt: skip

    def predict(at: Path) -> list[str]:
        if not (texts := backbone.with_name("texts.jsonl")).exists():
            one = json.dumps({"question": "Who sleeps?", "context": "Ann sleeps in the garden. Bob is at home."})
            texts.write_text(f"{one}\n" * 400, encoding="utf-8")
        return ["predict", "squad", "--input", str(texts), "--out", str(at / "out.jsonl"), "--chunk", "20",
                "--force", *store(at)]  # fmt: skip

    def transfer(at: Path) -> list[str]:
        words = ["transfer", "--from", "squad", "--to", "mlqa", *mini, *LANGUAGES, "--epochs", "2"]
        return [*words, *store(at)]

    def transfers(at: Path) -> list[str]:
        words = ["transfer", "--from", "none", "--to", "mlqa,xnli", *mini, *LANGUAGES, "--epochs", "1", "--jobs", "2"]
        return [*words, *store(at)]

    def push(at: Path, to: str = "out") -> list[str]:
        return ["push", "squad", "--to", str(at / to), *store(at)]

    def pull(at: Path) -> list[str]:
        return ["pull", f"{at / 'registry'}#{_name(at / 'registry')}", str(at / "out"), *store(at)]

    def export(at: Path) -> list[str]:
        keys = [run.key for run in RunStore(at / "store").runs()]
        return ["runs", "export", *keys, "--to", str(at / "out.tar"), *store(at)]

    found = (
        Work("train", train, weights),
        Work("train --force", lambda at: train(at, "--force"), weights, trained),
        Work("transfer", transfer, weights, trained),
        Work("transfer --jobs 2", transfers, weights),
        Work("predict", predict, files, trained),
        Work("study", study, weights),
        Work("study --jobs 2", lambda at: study(at, "--jobs", "2"), weights),
        Work("translate", translate, files),
        Work("push", push, files, trained),
        Work("pull", pull, files, lambda at: [train(at), push(at, "registry")], "is there already and not empty"),
        Work("runs export", export, files, trained, "is there already"),
    )
    return {one.what: one for one in found}


def start(words: Sequence[str], main: processes.Main = processes.astilts) -> Command:
    """A command in the environment of all of them."""
    return Command(*words, environment={**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}, main=main)


def ended(command: Command) -> tuple[int, str]:
    """The exit code of a command, and what it said; it is killed where it does not end."""
    try:
        return command.wait(PATIENCE), command.stderr
    except subprocess.TimeoutExpired:
        command.kill()
        return command.wait(), f"did not end in {PATIENCE} s: {command.stderr}"


def is_raw(said: str) -> bool:
    """Whether a command's last words are not meant for users."""
    return "Traceback (most recent call last)" in said or "(this is unexpected" in said


def _count_changes(words: list[str], number: int, at_change: Callable[[], None]) -> list[int]:
    """Has a function called before the numbered change of a file below the folder that is the first word."""
    folder, found = words[0], [0]

    def hook(event: str, told: tuple[Any, ...]) -> None:
        if event == "open":
            changes = isinstance(told[2], int) and told[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            changes = event in CHANGES
        if changes and str(told[0]).startswith(folder):
            found[0] += 1
            if found[0] == number or not number:
                at_change()

    sys.addaudithook(hook)
    return found


def killed_at_a_change(words: list[str]) -> None:
    """The command of `words[2:]`, which is killed before it changes a file below `words[0]` for the `words[1]`th time.

    With 0 it is not killed, and writes how often it has changed one to `changes` in that folder.
    """
    number = int(words[1])
    found = _count_changes(words, number, lambda: os.kill(os.getpid(), signal.SIGKILL) if number else None)
    try:
        processes.astilts(words[2:])
    finally:
        Path(words[0]).with_suffix(".changes").write_text(str(found[0]), encoding="utf-8")


def slowly(words: list[str]) -> None:
    """The command of `words[1:]` on a file system that takes its time for each change below `words[0]`."""
    _count_changes(words, 0, lambda: time.sleep(0.02))
    processes.astilts(words[1:])


@dataclass
class Trials:
    """Tries one kind of command.

    Attributes:
        expected: What it gives without interruption, and `seconds` how long that takes.
        changes: How often it changes a file then.
    """

    work: Work
    scratch: Path
    expected: object = None
    seconds: float = 0.0
    changes: int = 0

    def prepare(self) -> None:
        """Runs it once without interruption."""
        if self.seconds:
            return
        whole = self._folder("whole")
        begun = time.monotonic()
        code, said = ended(start([str(whole), "0", *self.work.words(whole)], killed_at_a_change))
        self.seconds = time.monotonic() - begun
        if code:
            raise SystemExit(f"{self.work.what} fails without any interruption: {said[-800:]}")
        self.expected = self.work.result(whole)
        self.changes = int(whole.with_suffix(".changes").read_text(encoding="utf-8"))

    def kills(self, row: Row, rng: Random) -> None:
        """Interrupts it up to three times, and then lets it end; the clock may have moved in between."""
        self.prepare()
        folder, how = self._folder("killed"), []
        for _ in range(rng.choice((1, 1, 2, 3))):
            command, number, after = start(self.work.words(folder)), rng.choice(SIGNALS), rng.uniform(0.05, 1.1)
            try:
                command.wait(after * self.seconds)
                continue
            except subprocess.TimeoutExpired:
                command.send_signal(number)
            row.tried += 1
            how.append(f"{number.name} after {after * self.seconds:.2f} s")
            _, said = ended(command)
            if is_raw(said) or "did not end in" in said:
                row.count("raw", f"{how}: {said[-300:]}")
            if rng.random() < 0.25:
                moved = rng.choice((-200_000, -3600, 3600, 200_000))
                how.append(f"the clock moved by {-moved} s")
                move_clock(folder, moved)
        self._end(folder, row, how)

    def change(self, row: Row, rng: Random) -> None:
        """Kills it before one of its changes of a file, and then lets it end."""
        self.prepare()
        folder, number = self._folder("changed"), rng.randint(1, max(1, self.changes))
        ended(start([str(folder), str(number), *self.work.words(folder)], killed_at_a_change))
        row.tried += 1
        self._end(folder, row, [f"SIGKILL before change {number} of a file"])

    def at_once(self, row: Row, count: int) -> None:
        """Several processes of it, of which every second one has a slow file system."""
        self.prepare()
        folder = self._folder("at-once")
        words = self.work.words(folder)
        running = [start([str(folder), *words], slowly) if number % 2 else start(words) for number in range(count)]
        for code, said in [ended(one) for one in running]:
            row.tried += 1
            if code:
                row.count("raw" if is_raw(said) else "lost", f"at once: exit code {code}: {said[-300:]}")
        self._end(folder, row, ["at once"])

    def full_disk(self, row: Row, rng: Random) -> None:
        """Runs it on a disk that is too small, or has too few files, and again with more; nothing without rights."""
        self.prepare()
        folder = self._folder("disk")
        shutil.rmtree(folder.with_name("kept"), ignore_errors=True)
        kept = folder.rename(folder.with_name("kept"))
        folder.mkdir()
        size = rng.choice((f"size={rng.randint(8, 3000)}k", f"nr_inodes={rng.randint(2, 60)}"))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True).returncode:
            return
        try:
            try:
                shutil.copytree(kept, folder, dirs_exist_ok=True)
            except (shutil.Error, OSError):
                return  # not even what it begins with
            words = self.work.words(folder)
            code, said = ended(start(words))
            row.tried += 1
            if is_raw(said) or (code and "Error: " not in said):
                row.count("raw", f"{size}: exit code {code}: {said[-300:]}")
            subprocess.run(["mount", "-o", "remount,size=64m,nr_inodes=100000", str(folder)], check=True)
            self._end(folder, row, [size])
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)

    def _end(self, folder: Path, row: Row, how: list[str]) -> None:
        """Lets it end, and compares."""
        code, said = ended(start(self.work.words(folder)))
        if code and self.work.finished not in said:
            row.count("raw" if is_raw(said) else "lost", f"{how}: exit code {code}: {said[-300:]}")
        elif self.work.result(folder) != self.expected:
            row.count("wrong", f"{how}: another result")

    def _folder(self, name: str) -> Path:
        folder = self.scratch / self.work.what.replace(" ", "") / name
        shutil.rmtree(folder, ignore_errors=True)
        # What comes before is done once, and copied.
        done = folder.with_name("before")
        if not done.exists():
            done.mkdir(parents=True)
            for words in self.work.before(done):
                code, said = ended(start(words))
                if code:
                    raise SystemExit(f"{' '.join(words)} fails: {said[-800:]}")
        shutil.copytree(done, folder)
        return folder


def move_clock(folder: Path, seconds: float) -> None:
    """Makes all files as much older or newer as they look after the clock was set."""
    for path in [folder, *folder.rglob("*")]:
        with suppress(FileNotFoundError):  # what the last processes still put away
            told = path.lstat()
            os.utime(path, (told.st_atime + seconds, told.st_mtime + seconds), follow_symlinks=False)


def make_trials(scratch: Path) -> dict[str, Trials]:
    """One for each kind of command, below a folder."""
    backbone = save_tiny_backbone(scratch / "backbone")
    return {name: Trials(work, scratch) for name, work in kinds(backbone).items()}
