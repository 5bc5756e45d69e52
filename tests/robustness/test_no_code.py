"""Neither project, model package, weight file, recipe nor label can make Fineray run code or lose data."""

from __future__ import annotations

import ast
import csv
import hashlib
import json
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fineray.cli.main import main
from fineray.package.archive import LIST
from fineray.project.label_sets import active_label_set, class_counts
from fineray.project.project import CATALOGUE, Project, open_project
from fineray.project.runs import runs
from tests.support.images import write_image
from tests.support.packages import packed, rewritten

ROOT = Path(__file__).parents[2]
# Names that run code or rebuild objects from bytes. Own processes speak by pipes that nobody else has.
FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load",
    "marshal.loads", "shelve.open", "joblib.load", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen",
    "subprocess.Popen", "subprocess.run", "subprocess.call", "subprocess.check_output", "torch.hub.load",
    "torch.package.PackageImporter", "numpy.fromregex", "dill.load", "cloudpickle.load",
}  # fmt: skip
# What a process really did: classes that a pickle names, commands, and files of Python that were run.
WATCH = """
import os, sys
def watch(event, words):
    if event in ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {words!r}\\n")
sys.addaudithook(watch)
from fineray.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_no_source_rebuilds_objects_or_runs_text() -> None:
    seen = 0
    for path in [*ROOT.joinpath("core").rglob("*.py"), *ROOT.joinpath("desktop").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = _dotted(node.func).replace("np.", "numpy.")
            assert name not in FORBIDDEN, f"{path}:{node.lineno} calls {name}"
            options = {each.arg: ast.unparse(each.value) for each in node.keywords}
            if name == "torch.load":
                seen += 1
                assert options.get("weights_only") == "True", f"{path}:{node.lineno}"
            assert options.get("allow_pickle", "False") == "False" and options.get("shell", "False") == "False"
    assert seen == 1, "the one place that reads .pth"


class Bomb:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.target}",)


def run(tmp_path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WATCHED": str(tmp_path / "watched")}
    command = [sys.executable, "-c", WATCH, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def ran(tmp_path: Path) -> list[str]:
    seen = (tmp_path / "watched").read_text().splitlines() if (tmp_path / "watched").exists() else []
    # What libraries of our own do: compilers asked after by torch, processor facts, and the linker's cache.
    return [line for line in seen if "exploded" in line or "posix.system" in line or "touch" in line]


@pytest.mark.integration
def test_the_watch_sees_a_pickle(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    code = WATCH.replace("from fineray.cli.main import main\nsys.exit(main(sys.argv[1:]))", "")
    code += f"import pickle; pickle.load(open({str(tmp_path / 'bomb')!r}, 'rb'))"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "WATCHED": str(tmp_path / "watched")}, check=True)
    assert (tmp_path / "exploded").exists() and ran(tmp_path)


@pytest.mark.integration
def test_weights_that_are_code(tmp_path: Path) -> None:
    exploded = tmp_path / "exploded"
    (tmp_path / "w.pth").write_bytes(pickle.dumps({"weight": Bomb(exploded)}))
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:  # as torch.save lays it out
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": Bomb(exploded)}, protocol=2))
        archive.writestr("archive/version", "3\n")
    (tmp_path / "w.safetensors").write_bytes(pickle.dumps(Bomb(exploded)))
    for name in ("w.pth", "zip.pth", "w.safetensors"):
        done = run(tmp_path, "weights", "add", tmp_path / name, "--backbone", "resnet18", "--title", "t", "--json")
        assert done.returncode == 1 and json.loads(done.stdout)["todo"], done.stderr[-500:]
    assert not exploded.exists() and ran(tmp_path) == []


@pytest.mark.slow
def test_every_file_of_a_project_may_be_code(trained: Path, tmp_path: Path) -> None:
    """Each file of a run and of the features replaced by a pickle: refused in words or not looked at, never run."""
    exploded, images = tmp_path / "exploded", trained.parent / "images"
    names = sorted(path.name for path in (trained / "runs" / "run-002").iterdir())
    assert {"network.safetensors", "head.safetensors", "recipe.json", "metrics.json"} <= set(names)
    script = [
        "import sys", WATCH.split("sys.exit")[0], "for words in __import__('json').loads(sys.argv[1]):",
        "    try: main(words)", "    except Exception as error: print('RAISED', words[1], repr(error)[:300])",
    ]  # fmt: skip
    commands = []
    for number, name in enumerate(names):
        study = tmp_path / f"study-{number}"
        shutil.copytree(trained, study)
        (study / "runs" / "run-002" / name).write_bytes(pickle.dumps(Bomb(exploded)))
        for words in (
            ("evaluate", study, "run-002"),
            ("predict", study, "run-002", images, "--output", study / "p.csv"),
        ):
            commands.append([*map(str, words), "--json"])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WATCHED": str(tmp_path / "watched")}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(script), json.dumps(commands)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    assert "RAISED" not in done.stdout, done.stdout
    assert not exploded.exists() and ran(tmp_path) == []


@pytest.mark.slow
def test_a_package_full_of_code(trained: Path, tmp_path: Path) -> None:
    """Every member in turn a pickle, under a list whose hashes are right."""
    package = packed(trained, "run-002", tmp_path / "m.frpkg")
    exploded = tmp_path / "exploded"
    bomb = pickle.dumps(Bomb(exploded))

    def exchange(members: dict[str, bytes], name: str) -> None:
        members[name] = bomb
        if name != LIST:
            facts = json.loads(members[LIST])
            facts["files"][name] = {"sha256": hashlib.sha256(bomb).hexdigest(), "bytes": len(bomb)}
            members[LIST] = json.dumps(facts).encode()

    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    for number, name in enumerate(names):
        each = rewritten(package, tmp_path / f"bad-{number}.frpkg", lambda members, name=name: exchange(members, name))
        done = run(tmp_path, "open", each, "--to", tmp_path / f"to-{each.stem}", "--json")
        assert "fault of its own" not in done.stdout, (each, done.stdout, done.stderr[-800:])
        if done.returncode:
            assert json.loads(done.stdout)["todo"]
    assert not exploded.exists() and ran(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"format": 1e999}', "nul\0l", '{"a": ' * 50_000, "!!python/object/apply:os.system ['x']", ""],
    ids=["deep list", "infinite number", "no text", "deep object", "YAML with a call", "empty"],
)
def test_surprises_in_json(trained: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.json").write_text(text)
    assert main(["train", str(trained), "--recipe", str(tmp_path / "recipe.json"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["todo"]
    for name in ("metrics.json", "recipe.json", "split.json"):
        kept = (trained / "runs" / "run-001" / name).read_bytes()
        (trained / "runs" / "run-001" / name).write_text(text)
        assert main(["evaluate", str(trained), "run-001", "--json"]) in (0, 1)
        assert "fault of its own" not in capsys.readouterr().out, name
        (trained / "runs" / "run-001" / name).write_bytes(kept)


SURPRISES = (
    "'; DROP TABLE image; --",
    '" OR 1=1 --',
    "=HYPERLINK(\"http://x\")",
    "<script>alert(1)</script>",
    "../../etc/passwd",
)  # fmt: skip


@pytest.mark.integration
def test_labels_that_look_like_something_else(project: Project, tmp_path: Path) -> None:
    """They are names of classes like any other, through labels, split, training, figures, report and tables."""
    for patient in range(20):
        path = tmp_path / "images" / f"{patient:02d}.dcm"
        write_image(path, patient=f"PAT-{patient}", level=0.3 + 0.1 * (patient % len(SURPRISES)))
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = [(f"{patient:02d}.dcm", SURPRISES[patient % len(SURPRISES)]) for patient in range(20)]
        csv.writer(file).writerows([("file", "label"), *rows])
    study = str(project.root)
    table = ["--labels", str(tmp_path / "labels.csv"), "--keep", "lists"]  # one of them has semicolons
    assert main(["import", study, str(tmp_path / "images"), *table]) == 0
    assert main(["train", study, "--folds", "2"]) == 0
    assert main(["report", study, "run-001", "--output", str(tmp_path / "r.html")]) == 0
    assert main(["labels", study, "--to", str(tmp_path / "out.xlsx")]) == 0
    assert dict(class_counts(project, active_label_set(project))[0]) == dict.fromkeys(SURPRISES, 4)
    assert project.db.execute("SELECT count(*) FROM image").fetchone() == (20,)
    assert set(runs(project)[0].predictions().classes) == set(SURPRISES)
    assert "<script>alert" not in (tmp_path / "r.html").read_text()
    from openpyxl import load_workbook

    cells = {cell.data_type for row in load_workbook(tmp_path / "out.xlsx").active.iter_rows() for cell in row}
    assert "f" not in cells
    assert {path.name for path in project.runs_folder.iterdir()} == {"run-001"}


@pytest.mark.integration
def test_a_catalogue_cannot_reach_outside(trained: Path, tmp_path: Path) -> None:
    """Its own triggers and views may call nothing that is not harmless: SQLite's trusted_schema is off."""
    db = sqlite3.connect(trained / CATALOGUE)
    db.execute("CREATE VIEW hostile AS SELECT load_extension('/tmp/x')")
    db.close()
    with open_project(trained) as project:
        assert project.db.execute("PRAGMA trusted_schema").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError):
            project.db.execute("SELECT * FROM hostile").fetchall()
