"""Tasks from folders, from the environment, from extensions and from installed packages."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapterstilts.errors import AstiltsError, DataError, UsageError
from adapterstilts.metrics import METRICS
from adapterstilts.registry import PACKAGE, Origin
from adapterstilts.tasks.catalogue import Catalogue

RECIPE: dict[str, Any] = {
    "title": "Mine",
    "kind": "pair_classification",
    "phases": ["intermediate"],
    "languages": ["en"],
    "metric": "accuracy",
    "options": {"labels": ["0", "1"]},
    "sources": {"files": {"format": "csv", "splits": {"train": "train.csv"}}},
}


def write_task(folder: Path, name: str, /, **changed: Any) -> Path:
    path = folder / name / "task.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"name": name, **RECIPE, **changed}), encoding="utf-8")
    return path


def write_extension(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "extension.py").write_text(text, encoding="utf-8")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASTILTS_TASKS", raising=False)


def test_a_folder_holds_tasks_or_is_one(tmp_path: Path) -> None:
    write_task(tmp_path / "mine", "one")
    write_task(tmp_path / "mine", "two")
    (tmp_path / "mine/notes").mkdir()
    package = Catalogue().names()
    assert "squad" in package
    for folder, names in (("mine", {"one", "two"}), ("mine/two", {"two"})):
        found = Catalogue.load([folder])
        assert set(found.names()) - set(package) == names
        assert found.recipe("two").title == "Mine"
        assert found.place("two").origin == Origin("folder", f"./{folder}")
        assert found.place("two").folder == tmp_path / "mine/two"
    assert Catalogue().place("squad").origin == PACKAGE
    with pytest.raises(UsageError, match="Unknown task 'two'"):
        Catalogue().recipe("two")


def test_a_folder_that_is_given_twice_is_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_task(tmp_path / name, f"of_{name}")
    found = Catalogue.load(["a", Path("b"), tmp_path / "a"])
    assert found.folders == (tmp_path / "a", tmp_path / "b")
    assert {"of_a", "of_b"} < set(found.names())


def test_names_that_are_taken_are_refused(tmp_path: Path) -> None:
    write_task(tmp_path / "mine", "squad")
    with pytest.raises(UsageError, match=r"task 'squad' in \./mine/squad is already a task of the package\."):
        Catalogue.load(["mine"])
    for folder in ("a", "b"):
        write_task(tmp_path / folder, "same")
    with pytest.raises(UsageError, match=r"task 'same' in \./b/same is already a task of \./a\."):
        Catalogue.load(["a", "b"])
    assert "same" in Catalogue.load(["a", "a/same"]).names()


def test_folders_without_tasks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"\./empty has no tasks: .* Check --tasks and ASTILTS_TASKS"):
        Catalogue.load(["empty"])
    with pytest.raises(UsageError, match=r"The folder of tasks \./absent is not there"):
        Catalogue.load(["absent"])


WRONG: dict[str, tuple[dict[str, Any] | str, type[AstiltsError], str]] = {
    "key": ({"licence": "MIT"}, UsageError, "Unknown key 'licence'. Did you mean 'license'"),
    "no_source": ({"sources": {}}, UsageError, "sources: a task needs one of 'hub', 'files', 'mini'"),
    "kind": ({"kind": "pair_clasification"}, UsageError, "Unknown task kind .* Did you mean 'pair_classification'"),
    "metric": ({"metric": "acuracy"}, UsageError, "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
    "labels": ({"options": {}}, UsageError, "options of pair_classification: labels: Field required"),
    "language": ({"languages": ["en", "xx"]}, UsageError, "languages: Unknown language 'xx'"),
    "name": ({"name": "other"}, DataError, "is named 'other' inside, and its folder 'mine'"),
    "all": ({"name": "all"}, UsageError, "name: a name has letters.* and is not 'all' or 'none'"),
    "dots": ({"name": "mine.v2"}, UsageError, "name: a name has letters, digits, '_' and '-', 100 at most"),
    "long": ({"name": "m" * 101}, UsageError, "name: a name has letters, digits, '_' and '-', 100 at most"),
    "yaml": ("name: [", DataError, "is no YAML"),
    "empty": ("", DataError, "does not say what the task is"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_recipe_is_said_with_its_place(what: str, tmp_path: Path) -> None:
    changed, error, message = WRONG[what]
    path = write_task(tmp_path / "tasks", "mine", **(changed if isinstance(changed, dict) else {}))
    if isinstance(changed, str):
        path.write_text(changed)
    catalogue = Catalogue.load(["tasks"])  # which reads no recipe
    with pytest.raises(error, match=rf"\./tasks/mine/task\.yaml.*{message}"):
        catalogue.recipe("mine")
    assert catalogue.recipe("squad").name == "squad"


def test_a_changed_recipe_is_read_again(tmp_path: Path) -> None:
    catalogue = Catalogue((tmp_path / "tasks",))
    for title in ("A", "Another"):
        write_task(tmp_path / "tasks", "mine", title=title)
        assert catalogue.recipe("mine").title == title


def test_a_catalogue_is_small_and_reads_again_in_another_process(tmp_path: Path) -> None:
    write_task(tmp_path / "tasks", "mine")
    write_extension(tmp_path / "tasks", "def register(catalogue):\n    catalogue.add_task(**TASK)\nTASK = "
                    + repr({"name": "without_file", **RECIPE}))  # fmt: skip
    catalogue = Catalogue.load(["tasks"])
    sent = pickle.dumps(catalogue)
    assert len(sent) < 1000 and pickle.loads(sent) == catalogue
    code = "import pickle, sys\nprint(pickle.loads(bytes.fromhex(sys.argv[1])).recipe('without_file').title)"
    result = subprocess.run(
        [sys.executable, "-c", code, sent.hex()], capture_output=True, text=True, check=False, cwd="/"
    )
    assert result.stdout == "Mine\n", result.stderr


def test_one_recipe_is_read_and_nothing_large_is_imported(tmp_path: Path) -> None:
    write_task(tmp_path / "tasks", "mine")
    code = (
        "import sys\n"
        "read = []\n"
        "sys.addaudithook(lambda event, told: event == 'open' and read.append(str(told[0]).rpartition('/')[2]))\n"
        "from adapterstilts.tasks.catalogue import Catalogue\n"
        "Catalogue.load(['tasks']).recipe('squad').build_kind()\n"
        "large = ('torch', 'datasets', 'transformers', 'adapters', 'peft', 'evaluate', 'scipy')\n"
        "print(read.count('task.yaml'), [name for name in large if name in sys.modules],\n"
        "      [name for name in sys.modules if name.startswith(('adapterstilts.modeling', 'adapterstilts.data'))])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "1 [] []\n", result.stderr


def test_train_on_can_name_a_task_of_the_package(tmp_path: Path) -> None:
    files = {"format": "squad_json", "train_on": "squad", "splits": {"test": "test.json"}}
    changed = {"kind": "span_qa", "metric": "squad", "options": {}, "phases": ["target"], "sources": {"files": files}}
    write_task(tmp_path / "tasks", "mine", **changed)
    catalogue = Catalogue.load(["tasks"])
    assert [one.name for one in catalogue.training_recipes(catalogue.recipe("mine"), "files")] == ["squad"]


def test_an_extension_adds_folders_and_tasks_without_files(tmp_path: Path) -> None:
    write_task(tmp_path / "elsewhere", "far")
    write_extension(
        tmp_path / "mine",
        "from pathlib import Path\n"
        f"RECIPE = {RECIPE!r}\n"
        "def register(catalogue):\n"
        "    catalogue.add_folder(Path(__file__).parents[1] / 'elsewhere')\n"
        "    catalogue.add_task('near', **RECIPE)\n",
    )
    for _ in range(2):
        catalogue = Catalogue.load(["mine"])
        assert catalogue.recipe("far").name == "far" and catalogue.recipe("near").title == "Mine"
        assert catalogue.place("near").folder is None
        assert {str(catalogue.place(name).origin) for name in ("far", "near")} == {"./mine"}


METRIC = """
from adapterstilts.metrics import METRICS
from dataclasses import replace

def register(catalogue):
    catalogue.metrics.add("mine", replace(METRICS.get("accuracy"), name="mine", suffix={suffix!r}))
"""


def test_two_catalogues_share_no_entries(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_extension(tmp_path / name, METRIC.format(suffix=f".{name}"))
        write_task(tmp_path / name, "own", metric="mine")
    write_task(tmp_path / "c", "other", metric="mine")
    catalogues = [Catalogue.load([name]) for name in ("a", "b")]
    for name, catalogue in zip(("a", "b"), catalogues, strict=True):
        assert catalogue.recipe("own").metric == "mine"
        with catalogue.in_use():
            assert METRICS.get("mine").suffix == f".{name}"
    assert "mine" not in METRICS
    assert Catalogue.load(["a", "c"]).recipe("other").name == "other"
    with pytest.raises(UsageError, match=r"\./c/other/task\.yaml: Unknown metric 'mine'"):
        Catalogue.load(["c"]).recipe("other")
    (tmp_path / "b/own/task.yaml").unlink()
    with pytest.raises(UsageError, match=r"metric 'mine' of \./b is already registered by \./a\."):
        Catalogue.load(["a", "b"])


EXTENSIONS = {
    "error": ("1 / 0", "ZeroDivisionError: division by zero"),
    "syntax": ("def register(", "SyntaxError"),
    "nothing": ("", r"has no function register\(catalogue\)"),
    "taken": (
        "def register(catalogue):\n    catalogue.kinds.add('span_qa', object)",
        r"task kind 'span_qa' of \./mine is already registered by the package",
    ),
    "later": ("def register(catalogue):\n    raise ValueError('no')", "ValueError: no"),
}


@pytest.mark.parametrize("what", EXTENSIONS)
def test_extensions_that_cannot_be_used_are_named(what: str, tmp_path: Path) -> None:
    text, message = EXTENSIONS[what]
    write_extension(tmp_path / "mine", text)
    with pytest.raises(UsageError, match=message) as error:
        Catalogue.load(["mine"])
    assert "./mine" in str(error.value)


def test_an_extension_registers_a_name_once(tmp_path: Path) -> None:
    text = "def register(catalogue):\n    for _ in range(2):\n        catalogue.records.add('mine', dict)"
    write_extension(tmp_path / "mine", text)
    assert "record function 'mine' is registered twice" in listed(tasks="mine").stderr


PACKAGED = """
from pathlib import Path

def register(catalogue):
    catalogue.add_folder(Path(__file__).parent / "tasks")
    catalogue.records.add("packaged", lambda record, language: record)
"""


def write_package(folder: Path, name: str, value: str) -> None:
    """An installed package with an entry point."""
    write_task(folder / f"{name}_code/tasks", f"of_{name}")
    (folder / f"{name}_code/__init__.py").write_text(PACKAGED)
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[adapterstilts.tasks]\nextra = {value}\n")


def listed(*paths: Path, tasks: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, paths), *sys.path]), "ASTILTS_TASKS": tasks}
    words = [sys.executable, "-m", "adapterstilts", "tasks"]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("value", ["extra_code", "extra_code:register"])
def test_installed_packages_bring_tasks(value: str, tmp_path: Path) -> None:
    write_package(tmp_path / "site", "extra", value)
    found = listed(tmp_path / "site")
    assert found.returncode == 0, found.stderr
    (line,) = [line for line in found.stdout.splitlines() if "of_extra" in line]
    assert "extra (entry point)" in line


def test_what_is_wrong_with_an_installed_package_is_said(tmp_path: Path) -> None:
    write_package(tmp_path / "absent", "extra", "extra_codes")
    found = listed(tmp_path / "absent")
    assert found.returncode == 2
    assert "entry point 'extra' (extra_codes) of package extra cannot be used: ModuleNotFoundError" in found.stderr
    assert "pip uninstall extra" in found.stderr
    write_package(tmp_path / "site", "one", "one_code")
    write_task(tmp_path / "mine", "of_one")
    assert (
        "task 'of_one' in ./mine/of_one is already a task of package one."
        in listed(tmp_path / "site", tasks="mine").stderr
    )
    write_extension(tmp_path / "own", "def register(catalogue):\n    catalogue.records.add('packaged', dict)\n")
    message = "record function 'packaged' of ./own is already registered by package one. Give it another name."
    assert message in listed(tmp_path / "site", tasks="own").stderr


def test_only_the_catalogue_asks_for_the_packages_tasks() -> None:
    """Beside it, whoever looks for the adapter that a task is shipped with."""
    import adapterstilts

    root = Path(adapterstilts.__file__).parent
    asking = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if '"task_adapters"' in path.read_text(encoding="utf-8")
    }
    assert asking == {"tasks/catalogue.py", "sharing/places.py"}
