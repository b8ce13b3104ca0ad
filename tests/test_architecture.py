"""The import rules that keep the package in floors, read from the source files."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from statistics import median, quantiles

import adapterstilts

PACKAGE = Path(adapterstilts.__file__).parent
TESTS = Path(__file__).resolve().parent

# From the ground up; a module may import from rooms above it in this list, and from its own.
FLOORS = [
    {
        "errors",
        "files",
        "registry",
        "languages",
        "declared",
        "settings",
        "parsed",
        "pretrained",
        "documents",
        "printable",
        "remote_files",
        "scrubbing",
    },
    {"runs"},
    {"metrics"},
    {"tasks", "mini", "profiles"},
    {"data", "modeling"},
    {"stages"},
    {"sharing"},
    {"serving"},
    {"commands"},
    {"studies"},
    {"reporting"},
    {"signatures"},
    {"planners"},
    {"api"},
    {"cli", "__main__"},
]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def trees() -> dict[str, ast.Module]:
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in modules().items()}


@cache
def imports(module: str) -> frozenset[str]:
    """Everything that a module imports, also inside of functions and for type checkers alone."""
    found: set[str] = set()
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {name for alias in node.names if (name := f"{node.module}.{alias.name}") in modules()}
    return frozenset(found)


def own_imports(module: str) -> set[str]:
    """The modules of the package among them; a package counts where something of its `__init__` is imported."""
    return {one for one in imports(module) if one in modules() and one != module}


def test_every_room_has_a_floor() -> None:
    assert {room(module) for module in modules()} - {""} == set().union(*FLOORS)


def test_imports_go_up_the_list_only() -> None:
    floor = {name: level for level, rooms in enumerate(FLOORS) for name in rooms}
    wrong = [
        f"{module} imports {imported}"
        for module in modules()
        for imported in own_imports(module)
        if room(module) and room(imported) and floor[room(imported)] > floor[room(module)]
    ]
    assert len(modules()) > 100 and wrong == []


def test_rooms_of_one_floor_do_not_know_each_other() -> None:
    allowed = {("__main__", "cli")}
    for rooms in FLOORS[1:]:
        for module in modules():
            others = {room(one) for one in own_imports(module)} & rooms - {room(module)}
            assert room(module) not in rooms or {(room(module), one) for one in others} <= allowed, (module, others)


def test_there_are_no_circles_between_modules() -> None:
    """Also not within a room, and not by an import that waits inside of a function."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for imported in sorted(own_imports(module)):
            # A package's `__init__` is passed on the way to what is in it.
            if not module.startswith(f"{imported}.") and imported != "adapterstilts":
                visit(imported, (*path, module))
        done.add(module)

    for module in sorted(modules()):
        visit(module, ())


def test_each_tuning_library_has_one_module() -> None:
    for library in ("adapters", "peft"):
        users = [
            module for module in modules() if any(f"{name}.".startswith(f"{library}.") for name in imports(module))
        ]
        assert [room(user) for user in users] == ["modeling"], users


def test_files_and_functions_stay_short() -> None:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in modules().items()}
    assert median(lengths.values()) <= 120 and quantiles(lengths.values(), n=10)[-1] <= 300
    assert {name: length for name, length in lengths.items() if length > 400} == {}
    functions = [
        (module, node.name, (node.end_lineno or 0) - node.lineno + 1)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [one for one in functions if one[2] > 60] == []
    asked = sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        for tree in trees().values()
        for node in ast.walk(tree)
    )
    assert 1000 * asked / sum(lengths.values()) <= 3


def test_stages_and_commands_have_their_tests() -> None:
    """Each module has a test file of its name in the room of its name."""
    lacking = []
    for module, path in modules().items():
        if room(module) in ("stages", "commands") and path.name != "__init__.py":
            inside = path.relative_to(PACKAGE).parent
            mirrored = TESTS / inside / f"test_{path.name}"
            options = TESTS / inside.parent / f"test_{inside.name}.py"  # one for the files of a folder together
            if not (mirrored.is_file() or (inside.parent.name and options.is_file())):
                lacking.append(str(mirrored.relative_to(TESTS)))
    assert lacking == []


def test_no_stage_knows_the_options_of_a_command() -> None:
    for module in modules():
        if room(module) == "stages":
            assert not any(name.startswith("adapterstilts.commands") for name in imports(module)), module
