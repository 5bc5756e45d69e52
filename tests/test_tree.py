"""The tests lie as the sources do: a source file leads to its test file, and no test module leans on another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.covered import COVERED

ROOT = Path(__file__).parents[1]
SOURCES = {"fineray": ROOT / "core", "fineray_desktop": ROOT / "desktop"}
MIRRORS = {"fineray": "core", "fineray_desktop": "desktop"}
SMALL = 40  # lines: nothing in them that would want a file of tests


def module_of(path: Path) -> str:
    """`fineray.dicom.read` of its file, `fineray.dicom` of the __init__ of a folder."""
    package = next(name for name, root in SOURCES.items() if path.is_relative_to(root))
    parts = path.relative_to(SOURCES[package]).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> list[str]:
    """Modules whose file is longer than SMALL."""
    files = sorted(path for name, root in SOURCES.items() for path in (root / name).rglob("*.py"))
    return [module_of(path) for path in files if len(path.read_text("utf-8").splitlines()) > SMALL]


def file_of(module: str) -> Path | None:
    """Where a module of ours lies; None for a name that is none."""
    package = module.partition(".")[0]
    if package not in SOURCES:
        return None
    path = SOURCES[package].joinpath(*module.split("."))
    found = [each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()]
    return found[0] if found else None


def mirrored(module: str) -> Path:
    """Where the tests of a module lie by its name; those of what a package offers at its top in test_face.py."""
    package, *folders, name = module.split(".") if "." in module else (module, "face")
    return ROOT.joinpath("tests", MIRRORS[package], *folders, f"test_{name}.py")


@cache
def imported(path: Path) -> frozenset[str]:
    """Modules of ours and of the tests that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if file_of(name) is not None or name.startswith("tests."))


def room(module: str) -> str:
    """The folder, or file, of the package that a module lies in."""
    return ".".join(module.split(".")[:2])


def room_beside(path: Path) -> str:
    """The room whose tests lie where this file lies."""
    tests, folder = path.relative_to(ROOT / "tests").parts[:2]
    return ".".join((next((name for name, mirror in MIRRORS.items() if mirror == tests), tests), folder))


def reached(path: Path, module: str) -> set[str]:
    """Modules that a test file comes to: those that it imports, and what these import in turn, as far as that lies in
    their rooms, in the test's own, in the room of `module` or at the top of the package."""
    seen: set[str] = set()
    ahead = set(imported(path))
    rooms = {room(module), room_beside(path), *map(room, ahead)}
    while ahead:
        name = ahead.pop()
        seen.add(name)
        file = file_of(name)
        if file is not None and (room(name) in rooms or room(name) == name):
            ahead |= imported(file) - seen
        elif name.startswith("tests.support"):
            helper = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            ahead |= (imported(helper) if helper.is_file() else frozenset()) - seen
    return seen


def listed(module: str) -> tuple[str, ...]:
    """The test files that stand for a module or for the folder that it lies in."""
    names = module.split(".")
    for length in range(len(names), min(1, len(names) - 1), -1):  # the package's own entry is its __init__'s alone
        if (found := COVERED.get(".".join(names[:length]))) is not None:
            return found
    return ()


def test_source_files_have_test_files() -> None:
    lacking = {}
    for module in sources():
        tests = [ROOT / "tests" / name for name in listed(module)]
        if not mirrored(module).is_file() and not any(module in reached(path, module) for path in tests):
            lacking[module] = listed(module)
    assert lacking == {}, "neither at the place of their name nor come to from where tests/support/covered.py says"


def test_the_list_is_no_longer_than_it_must_be() -> None:
    known = {module_of(path) for name, root in SOURCES.items() for path in (root / name).rglob("*.py")}
    for module, tests in COVERED.items():
        assert module in known, f"{module} has gone"
        assert not (mirrored(module).is_file() and file_of(module).name != "__init__.py"), f"{module} has its own file"
        for name in tests:
            assert (ROOT / "tests" / name).is_file(), f"tests/{name} has gone"


def _test_modules() -> Iterator[Path]:
    yield from (ROOT / "tests").rglob("*.py")


def test_no_test_module_leans_on_another() -> None:
    """What two of them need lies in tests/support, or in a conftest."""
    leaning = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in _test_modules()
        for name in imported(path)
        if any(part.startswith("test_") or part == "conftest" for part in name.split("."))
    }
    assert leaning == set()
