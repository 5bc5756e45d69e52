"""The tests lie as the sources do: a source file leads to its test file, and no test module leans on another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

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
    """Where the tests of a module lie by its name."""
    package, *folders, name = module.split(".")
    return ROOT.joinpath("tests", MIRRORS[package], *folders, f"test_{name}.py")


@cache
def imported(path: Path) -> frozenset[str]:
    """Modules of ours and of the tests that a file imports, anywhere in it, or names in a string."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if file_of(name) is not None or name.startswith("tests."))


def reached(path: Path, room: str) -> set[str]:
    """Modules that a test file imports, and those of one room that these import in turn: what it exercises."""
    seen: set[str] = set()
    ahead = set(imported(path))
    while ahead:
        name = ahead.pop()
        seen.add(name)
        file = file_of(name)
        if file is not None and name.startswith(room):
            ahead |= {each for each in imported(file) if each.startswith(room)} - seen
        elif name.startswith("tests.support"):
            helper = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            ahead |= (imported(helper) if helper.is_file() else frozenset()) - seen
    return seen


def listed(module: str) -> tuple[str, ...]:
    """The test files that stand for a module or for the folder that it lies in."""
    names = module.split(".")
    for length in range(len(names), 0, -1):
        if (found := COVERED.get(".".join(names[:length]))) is not None:
            return found
    return ()


@pytest.mark.parametrize("module", sources())
def test_a_source_file_has_its_test_file(module: str) -> None:
    if mirrored(module).is_file():
        return
    room = ".".join(module.split(".")[:2])
    tests = [ROOT / "tests" / name for name in listed(module)]
    assert tests, f"{mirrored(module).relative_to(ROOT)} is missing, and no other stands in tests/support/covered.py"
    assert any(module in reached(path, room) for path in tests), f"{listed(module)} never come to {module}"


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
