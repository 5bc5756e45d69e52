"""What the frozen program holds, as far as that shows without freezing one; installer/check freezes and runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fineray.cli.main import parser
from tests.support.installer import INSTALLER, ROOT, module

recorded, way = module("recorded"), module("way_of_work")
left_out = module("pyinstaller/left_out")
START = INSTALLER / "pyinstaller" / "start.py"

# Every module of Fineray's own, and whatever they import anywhere, inside functions too.
LOAD_ALL = """
import ast, importlib, sys
from pathlib import Path
for part in ("core", "desktop"):
    for path in sorted(Path(part).rglob("*.py")):
        importlib.import_module(".".join(path.relative_to(part).with_suffix("").parts).removesuffix(".__init__"))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            named += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in set(named) - {"resource"} if sys.platform == "win32" else named:
                importlib.import_module(name)
"""


def recording(folder: Path) -> dict[str, str]:
    """The environment of processes that tell which modules they load."""
    folder.mkdir()
    paths = (INSTALLER / "recorder", INSTALLER / "pyinstaller", ROOT)
    return {**os.environ, "FINERAY_MODULES": str(folder), "PYTHONPATH": os.pathsep.join(map(str, paths))}


@pytest.mark.integration
def test_nothing_that_is_left_out_is_loaded(tmp_path: Path) -> None:
    """Neither by Fineray nor by what it imports: pandas comes with cleanlab, Qt's OpenGL with pyqtgraph."""
    subprocess.run([sys.executable, "-c", LOAD_ALL], cwd=ROOT, env=recording(tmp_path / "modules"), check=True)
    modules = recorded.recorded(tmp_path / "modules")
    assert recorded.never_loaded(modules) == []
    assert {"pandas", "PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets", "openvino", "cleanlab.filter"} <= modules
    assert recorded.left_out_but_loaded(modules) == []


def test_what_is_left_out_is_found_with_all_below_it() -> None:
    assert recorded.left_out_but_loaded({"cv2.aruco", "tkinter", "cv", "torch.utils.tensorboard"}) == [
        "cv2.aruco",
        "tkinter",
        "torch.utils.tensorboard",
    ]


@pytest.mark.integration
def test_child_processes_tell_what_they_load_though_they_are_killed(tmp_path: Path) -> None:
    code = (
        "import multiprocessing, os, signal, sys\n"
        "def child():\n    import wave, colorsys\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=child)\n"
        "    process.start()\n    process.join()\n    import this\n    sys.exit(process.exitcode)\n"
    )
    (tmp_path / "parent.py").write_text(code)
    command = [sys.executable, str(tmp_path / "parent.py")]
    done = subprocess.run(command, env=recording(tmp_path / "modules"), capture_output=True, check=False)
    assert done.returncode == 256 - signal.SIGKILL
    modules = recorded.recorded(tmp_path / "modules")
    assert {"wave", "this"} <= modules and "parent" not in modules
    assert len(list((tmp_path / "modules").iterdir())) >= 2


@pytest.mark.integration
def test_the_program_says_which_modules_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "modules.txt").write_text("fineray.errors\nno_such_module\njson\ncore.no_such_part\n")
    command = [sys.executable, str(START), "--self-check", "imports", str(tmp_path / "modules.txt")]
    done = subprocess.run(command, cwd=ROOT, env=recording(tmp_path / "m"), capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and len(lines) == 2
    assert lines[0].startswith("no_such_module: ModuleNotFoundError") and lines[1].startswith("core.no_such_part: ")
    (tmp_path / "modules.txt").write_text("fineray.errors\n")
    assert subprocess.run(command, cwd=ROOT, env=recording(tmp_path / "n"), check=False).returncode == 0


def test_the_way_of_work_comes_to_every_command() -> None:
    commands = next(each.choices for each in parser()._actions if isinstance(each.choices, dict))
    assert {each.words[0] for each in way.STEPS} | way.NOT_HERE == set(commands)
    for each in way.STEPS:
        parser().parse_args(each.words)


def test_a_step_that_ends_otherwise_than_it_should_is_told(tmp_path: Path) -> None:
    def ended(status: int, said: str = "", **wanted: object) -> str:
        done = subprocess.CompletedProcess([], status, "", said)
        return str(way.trouble(way.Step(("report",), **wanted), tmp_path, done))

    assert ended(0) == "" and ended(1, "no run") == "no run" and ended(1)
    assert "did not make a.pdf" in ended(0, makes=("a.pdf",))
    assert ended(1, "cannot reach 10.0.0.1", fails="10.0.0.1") == "" and ended(0, fails="10.0.0.1")
    assert ended(1, "Fineray met a fault of its own, at 10.0.0.1", fails="10.0.0.1")


@pytest.mark.parametrize(
    ("cuda", "hip", "libraries", "expected"),
    [
        ("None", "None", ["libcudart.1.so", "libpng.so"], True),
        ("None", "None", ["libpng.so"], False),  # of PyTorch's CPU index, and on Windows and macOS
        ("'13.2'", "None", ["libcudart.1.so"], False),
        ("None", "'6.4'", ["libcudart.1.so"], False),
    ],
)
def test_operators_are_only_named_where_they_cannot_load(
    cuda: str, hip: str, libraries: list[str], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two definitions of an operator end the process: torchvision's own, and that of the start-up hook."""
    for name in ("torch/version.py", *(f"torchvision.libs/{each}" for each in libraries)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"cuda: Optional[str] = {cuda}\nhip: Optional[str] = {hip}\nxpu = 'no'\n")
    found = SimpleNamespace(origin=str(tmp_path / "torch" / "__init__.py"))
    monkeypatch.setattr(left_out, "find_spec", lambda name: found)
    assert left_out.torchvision_cannot_load_operators() is expected


@pytest.mark.soak  # installer/check walks the same way; this one has not come to its end yet (crowded machine)
@pytest.mark.timeout(1800)
def test_every_page_chart_and_dialog_of_the_window_is_walked_through(trained: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(START), "--self-check", "window", str(trained), str(trained.parent / "images")]
    done = subprocess.run(
        [*command, str(tmp_path / "pictures")], env=recording(tmp_path / "modules"), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert len(list((tmp_path / "pictures").glob("*.png"))) > 30
    modules = recorded.recorded(tmp_path / "modules")
    assert recorded.left_out_but_loaded(modules) == []
    assert [name for name in recorded.never_loaded(modules) if name.startswith("desktop.")] == []
