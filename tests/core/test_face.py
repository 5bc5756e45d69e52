"""`import fineray` in a notebook: which names, how light, what they say of themselves, and that their examples run."""

from __future__ import annotations

import ast
import doctest
import inspect
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

import fineray
from fineray.demo.study import write_study
from fineray.dicom.read import SeveralFrames
from fineray.progress import SILENT
from fineray.project.project import create_project, open_project
from fineray.training.recipe import HeadSettings
from tests.support.images import image
from tests.support.tiny import add_tiny

SOURCE = Path(fineray.__file__)
NAMES = [name for name in fineray.__all__ if name not in ("RESEARCH_USE", "__version__")]
HEAVY = ("torch", "timm", "monai", "sklearn", "scipy", "matplotlib", "pandas", "pydicom", "numpy", "PySide6")
# The house begins a docstring on the line of its quotes, and says little where a summary says it all.
NOT_ASKED = {"GL01", "GL02", "GL03", "SA01", "ES01"}


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `images` of 12 synthetic patients, and `study`, a project of them with a run of a tiny network."""
    root = tmp_path_factory.mktemp("face")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(root / "home"))
        labels = write_study(root / "images", patients=12)
        create_project(root / "study")
        with open_project(root / "study", lock=True) as project:
            fineray.import_folders(project, root / "images")
            fineray.apply_labels(project, fineray.preview_labels(project, labels))
            split = fineray.make_split(project, fineray.SplitPlan(folds=3))
            head = HeadSettings(strengths=(1.0,), inner_folds=2)
            fineray.train(project, split, fineray.Recipe(add_tiny(root), head=head, bootstrap=100))
    return root


@pytest.fixture
def in_copy(studied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a copy of that study, to be changed at will."""
    shutil.copytree(studied / "study", tmp_path / "study")
    (tmp_path / "images").symlink_to(studied / "images")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FINERAY_HOME", str(studied / "home"))
    return tmp_path


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_what_type_checkers_see_is_what_comes() -> None:
    block = next(
        each for each in ast.parse(SOURCE.read_text("utf-8")).body if isinstance(each, ast.If)
    )  # if TYPE_CHECKING
    seen = {
        str(each.module): tuple(alias.name for alias in each.names)
        for each in block.body
        if isinstance(each, ast.ImportFrom)
    }
    assert seen == fineray._MODULES
    assert sorted(name for names in seen.values() for name in names) == sorted(NAMES)
    assert dir(fineray) == sorted(fineray.__all__)
    assert all(getattr(fineray, name) is getattr(import_module(fineray._MODULE_OF[name]), name) for name in NAMES)
    with pytest.raises(AttributeError, match="no attribute 'trane'"):
        fineray.trane  # noqa: B018


def test_nothing_heavy_comes_before_it_is_asked_for() -> None:
    """The window and `fineray --version` import it too."""
    told = _python(
        f"import sys, fineray; dir(fineray); fineray.FinerayError, fineray.Monitor\nheavy = {HEAVY}\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "fineray.read_radiograph, fineray.Project, fineray.Recipe, fineray.Predictions, fineray.evaluate\n"
        "print([name for name in ('torch', 'timm', 'matplotlib', 'pandas', 'PySide6') if name in sys.modules])"
    )
    assert told.splitlines() == ["[]", "[]"]


def test_the_version_can_be_read_without_an_import() -> None:
    """setuptools' `attr` imports a package whose version is not a plain assignment."""
    assigned = [
        ast.literal_eval(each.value)
        for each in ast.parse(SOURCE.read_text("utf-8")).body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "__version__"
    ]
    assert assigned == [fineray.__version__]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_described(name: str) -> None:
    """numpydoc: a summary, every parameter, what is returned, and an example."""
    wrong = {code: told for code, told in validate(f"fineray.{name}")["errors"] if code not in NOT_ASKED}
    if isinstance(getattr(fineray, name), type) and ClassDoc(getattr(fineray, name))["Attributes"]:
        wrong.pop("PR01", None)  # of what nobody makes by hand, the attributes are described
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_each_example_runs(name: str, in_copy: Path) -> None:
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(getattr(fineray, name), name, module=False, globs={})
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def _functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in SOURCE.parent.rglob("*.py"):
        for each in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(each, ast.FunctionDef):
                yield path, each


def test_a_monitor_is_optional_and_last() -> None:
    functions = [each for name in NAMES if inspect.isfunction(each := getattr(fineray, name))]
    listening = [each for each in functions if "monitor" in inspect.signature(each).parameters]
    assert {fineray.import_folders, fineray.train, fineray.explain, fineray.open_package} < set(listening)
    for each in listening:
        (*_, last) = inspect.signature(each).parameters.values()
        assert (last.name, last.default) == ("monitor", SILENT), each
    for path, node in _functions():
        names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        defaults = [ast.unparse(default) for default in node.args.defaults]
        assert "SILENT" not in defaults or (names[-1], defaults[-1]) == ("monitor", "SILENT"), f"{path}: {node.name}"


def test_a_file_gives_exactly_one_image_or_says_how_many_it_holds(tmp_path: Path) -> None:
    frames = np.arange(3 * 48 * 40, dtype=np.uint16).reshape(3, 48, 40) % 4096
    ds = image(frames[0])
    ds.NumberOfFrames, ds.PixelData = 3, frames.tobytes()
    ds.save_as(tmp_path / "cine.dcm", enforce_file_format=True)
    with pytest.raises(SeveralFrames, match=r"holds 3 frames.*1 to 3"):
        fineray.read_radiograph(tmp_path / "cine.dcm")
    second = fineray.read_radiograph(str(tmp_path / "cine.dcm"), 2)
    np.testing.assert_array_equal(second.image.values, frames[1])
    assert [each.frame for each in fineray.read_radiographs(tmp_path / "cine.dcm", "all")] == [1, 2, 3]


def test_tables_as_data_frames(in_copy: Path) -> None:
    with fineray.open_project("study") as project:
        table = fineray.image_table(project)
        preview = fineray.preview_labels(project, in_copy / "images" / "labels.csv").to_frame()
        predictions = fineray.run(project, "run-001").predictions()
        scored = fineray.predict_folder(project, fineray.run(project, "run-001"), in_copy / "images" / "SYNTHETIC-001")
    images = table.to_frame()
    assert list(images["image"]) == [row.id for row in table.rows] and set(images["part"]) == {"1", "2", "3"}
    assert dict(zip(preview["image"], preview["label"], strict=True)) == dict(
        zip(images["image"], images["label"], strict=True)
    )
    frame = predictions.to_frame()
    np.testing.assert_array_equal(frame[f"p_{predictions.classes[1]}"], predictions.probabilities[:, 1])
    assert list(frame["true"]) == [predictions.classes[number] for number in predictions.true]
    evaluation = fineray.evaluate(predictions, resamples=100)
    figures = evaluation.to_frame().set_index(["class", "figure"])
    assert figures.loc[("", "accuracy"), "value"] == evaluation.accuracy.value
    assert figures.loc[(predictions.classes[1], "auc"), "low"] == evaluation.per_class[1].figures.auc.low
    assert list(scored.to_frame()["predicted"]) == [row.predicted for row in scored.rows]


def test_findings_as_a_data_frame() -> None:
    predictions = fineray.Predictions(
        classes=("effusion", "nodule"),
        images=np.array([1, 2]),
        patients=("P1", "P2"),
        parts=("1", "2"),
        true=np.zeros(2, dtype=np.int64),
        probabilities=np.array([[0.9, 0.2], [0.1, 0.7]]),
        truth=np.array([[1.0, np.nan], [0.0, 1.0]]),
    )
    frame = predictions.to_frame()
    assert list(frame["true_findings"]) == ["effusion|nodule?", "nodule"]
    assert list(frame["predicted_findings"]) == ["effusion", "nodule"]
