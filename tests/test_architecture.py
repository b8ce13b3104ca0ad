"""The import rules that keep the package in floors, read from the source files."""

from __future__ import annotations

import ast
from pathlib import Path

import adapterstilts

PACKAGE = Path(adapterstilts.__file__).parent

# From the ground up; a module may import from its own floor and those below it.
FLOORS = [
    {"errors", "registry", "languages", "files"},
    {"specs", "store", "metrics", "mining", "submission", "profiles", "provenance", "statistics"},
    {"tasks"},
    {"data", "mini", "modeling"},
    {"checkpoints", "training", "prediction", "costs"},
    {"options", "planning", "checks", "evaluation", "stages"},
    {"results", "scoring", "exporting", "studies", "reporting", "sharing", "api"},
    {"cli", "__main__"},
]


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _modules() -> dict[str, Path]:
    modules = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        modules[".".join(part for part in parts if part != "__init__")] = path
    return modules


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "adapterstilts"}
    return found


def test_every_room_has_a_floor() -> None:
    known = set().union(*FLOORS)
    assert {_room(module) for module in _modules()} - {""} <= known


def test_imports_go_down() -> None:
    floor = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
    modules = _modules()
    assert len(modules) > 30
    wrong = [
        f"{module} imports {imported}"
        for module, path in modules.items()
        for imported in _imports(path)
        if imported.startswith("adapterstilts.") and _room(module) and imported in modules
        if floor[_room(imported)] > floor[_room(module)]
    ]
    assert wrong == []


def test_data_and_modeling_do_not_know_each_other() -> None:
    for one, other in (("data", "modeling"), ("modeling", "data")):
        for module, path in _modules().items():
            if _room(module) == one:
                assert not any(name.startswith(f"adapterstilts.{other}") for name in _imports(path)), module


def test_each_tuning_library_has_one_door() -> None:
    for library in ("adapters", "peft"):
        users = [
            module
            for module, path in _modules().items()
            if any(name == library or name.startswith(f"{library}.") for name in _imports(path))
        ]
        assert len(users) <= 1 and all(_room(user) == "modeling" for user in users), users


def test_files_stay_short() -> None:
    long = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: length for name, length in long.items() if length > 400} == {}
