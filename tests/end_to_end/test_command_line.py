"""The contract of `fineray`: one JSON object on standard output, progress on standard error, exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.data import get_testdata_file

from fineray.project.project import open_project
from fineray.project.schema import VERSION
from fineray.project.splits import latest_split
from tests.support.commands import answer, fineray, installed
from tests.support.images import write_image


@pytest.mark.integration
def test_the_main_job_on_real_radiographs(tmp_path: Path, cxr: Path) -> None:
    project = tmp_path / "study"
    assert answer(installed("new", project, "--json")) == {"project": str(project)}
    imported = installed("import", project, cxr, "--labels", cxr / "labels.csv", "--json")
    brought = answer(imported)
    assert (brought["imported"], brought["failed"], brought["labelled"]) == (701, 0, 701)
    assert brought["classes"] == {"no_finding": 375, "pneumonia": 326}
    assert "Reading files: 703 of 703 files" in imported.stderr
    trained = installed("train", project, "--backbone", "efficientnet_lite0", "--mode", "frozen", "--json")
    figures = answer(trained)
    assert {"run", "auc", "accuracy", "confusion_matrix", "classes", "seconds"} <= set(figures)
    assert figures["auc"] >= 0.86
    assert figures["accuracy"] >= 0.75
    assert sum(map(sum, figures["confusion_matrix"])) == 701
    assert figures["intervals"]["auc"]["low"] < figures["auc"] < figures["intervals"]["auc"]["high"]
    assert "fold 5 of 5" in trained.stderr
    again = answer(installed("evaluate", project, figures["run"], "--json"))
    for name in ("auc", "accuracy", "confusion_matrix", "classes", "per_class"):
        assert again[name] == figures[name]
    second = answer(installed("import", project, cxr, "--json"))
    assert (second["imported"], second["unchanged"]) == (0, 703)


def test_real_cr_images(tmp_path: Path) -> None:
    """CR of a chest and an extremity in three encodings each: one image a content, right polarity, the rest named."""
    folder = tmp_path / "cr"
    folder.mkdir()
    for name in ("RG1_UNCR", "RG1_J2KR", "RG1_J2KI", "RG3_UNCR", "RG3_J2KR", "RG3_J2KI", "CT_small", "US1_J2KR"):
        source = Path(get_testdata_file(f"{name}.dcm"))
        (folder / source.name).write_bytes(source.read_bytes())
    answer(fineray("new", tmp_path / "p", "--json"))
    brought = answer(fineray("import", tmp_path / "p", folder, "--json"))
    assert brought["imported"] + brought["duplicates"] == 6
    assert brought["skipped"] == 2
    assert brought["failed"] == 0


def test_folders_as_labels_and_words_for_people(tmp_path: Path, images: Callable[..., Path]) -> None:
    project = tmp_path / "study"
    folder = images(patients=16, each=2)
    done = fineray("new", project)
    assert done.returncode == 0
    done = fineray("import", project, folder, "--labels-from-folders")
    assert "labelled: 32" in done.stdout
    done = fineray("train", project, "--folds", 4, "--seed", 5)
    assert done.returncode == 0, done.stderr
    assert "images: 32 of 16 patients, each predicted out of sample" in done.stdout
    assert "For research use only, not for diagnosis." in done.stdout
    with open_project(project) as opened:
        split = latest_split(opened)
        assert split is not None and (split.plan.folds, split.plan.seed) == (4, 5)


@pytest.mark.integration
def test_split_and_check(tmp_path: Path, images: Callable[..., Path]) -> None:
    project = tmp_path / "study"
    fineray("new", project)
    fineray("import", project, images(patients=24, each=2), "--labels-from-folders")
    made = answer(fineray("split", project, "--folds", 3, "--seed", 2, "--to", tmp_path / "split.csv", "--json"))
    assert made["parts"] == {str(part): {"bright": 8, "dark": 8} for part in (1, 2, 3)}
    assert (made["certificate"]["patients"], made["certificate"]["groups"]) == (24, 24)
    again = answer(fineray("split", project, "--from", tmp_path / "split.csv", "--json"))
    assert again["hash"] == made["hash"]
    assert again["certificate"]["made_by"] == "file"
    holdout = answer(fineray("split", project, "--holdout", "--json"))
    assert set(holdout["parts"]) == {"training", "validation", "test"}
    answer(fineray("split", project, "--from", tmp_path / "split.csv", "--json"))
    figures = answer(fineray("train", project, "--json"))
    assert figures["split"]["folds"] == 3, "a split made before is used"
    checked = answer(fineray("check", project, "--json"))["checks"]
    assert {"copies", "class sizes", "attributes", "blank", "polarity", "outliers", "labels"} <= {
        each["check"] for each in checked
    }
    assert all(each["title"] and each["evidence"] for each in checked)
    done = fineray("check", project)
    assert "Every class has enough patients" in done.stdout


def test_doctor(tmp_path: Path, images: Callable[..., Path]) -> None:
    tested = answer(fineray("doctor", "--json"))
    assert len(tested["codecs"]) >= 11
    assert all(each["problem"] == "" for each in tested["codecs"])
    project = tmp_path / "study"
    fineray("new", project)
    fineray("import", project, images(patients=6, each=2), "--view", "PA", "--frames", "first")
    kinds = answer(fineray("doctor", project, "--json"))["kinds"]
    assert [(kind["folder"], kind["images"]) for kind in kinds] == [("bright", 6), ("dark", 6)]
    assert {kind["transfer_syntax"] for kind in kinds} == {"Explicit VR Little Endian"}
    line = "6 images: bright, Explicit VR Little Endian, MONOCHROME2, 12, window, PA, -"
    assert line in fineray("doctor", project).stdout


@pytest.mark.parametrize("json_wanted", [True, False])
def test_errors_are_said_and_counted(tmp_path: Path, images: Callable[..., Path], json_wanted: bool) -> None:
    extra = ["--json"] if json_wanted else []
    project, images_folder = tmp_path / "study", images(patients=6, each=1)
    fineray("new", project)

    def refused(*arguments: object) -> str:
        done = fineray(*arguments, *extra)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        if json_wanted:
            error = answer(done, status=1)
            assert error["todo"]
            return str(error["error"])
        assert done.stdout == ""
        return done.stderr

    assert "new or empty folder" in refused("new", project)
    (tmp_path / "docs").mkdir()
    assert "holds no files" in refused("import", project, tmp_path / "docs")
    assert "does not exist" in refused("import", project, tmp_path / "gone")
    assert "No image carries a label" in refused("train", project)
    (tmp_path / "wrong.csv").write_text("patient_id,label\nNOBODY,x\n")
    assert "No label belongs" in refused("import", project, images_folder, "--labels", tmp_path / "wrong.csv")
    (tmp_path / "one.csv").write_text("patient_id,label\nPAT-0,x\nPAT-1,x\n")
    assert "Every label says “x”" in refused("import", project, images_folder, "--labels", tmp_path / "one.csv")
    rows = "\n".join(f"PAT-{number},{'x' if number else 'y'}" for number in range(6))
    (tmp_path / "single.csv").write_text(f"patient_id,label\n{rows}\n")
    done = fineray("import", project, images_folder, "--labels", tmp_path / "single.csv", *extra)
    assert "one patient only" in done.stderr
    assert "Class “y” has images of 1 patient" in refused("train", project)
    assert "no backbone named “vgg16”" in refused("train", project, "--folds", 2, "--backbone", "vgg16")
    assert "There is no finished run" in refused("evaluate", project, "run-001")
    assert "No Fineray project" in refused("evaluate", tmp_path / "docs", "run-001")
    with open_project(project, lock=True):
        assert "is open in another Fineray" in refused("train", project)
    with open_project(project) as opened:
        opened.db.execute(f"PRAGMA user_version = {VERSION + 1}")
    assert "newer Fineray" in refused("train", project)


@pytest.mark.integration
def test_wrong_command_lines_and_help() -> None:
    assert installed("import").returncode == 2
    assert installed("train", "p", "--folds", "1").returncode == 2
    help_text = installed("--help")
    assert help_text.returncode == 0
    for command in ("new", "import", "train", "evaluate", "demo"):
        assert command in help_text.stdout


@pytest.mark.integration
def test_the_demo_without_a_window(tmp_path: Path) -> None:
    figures = answer(installed("demo", "--no-window", "--json", tmp_path / "demo"))
    assert Path(figures["project"]).is_dir()
    assert figures["auc"] > 0.7
    assert figures["seconds"] < 60
    assert all("synthetic" in name for name in figures["classes"])


def test_label_sets_readers_and_labels_out(tmp_path: Path, images: Callable[..., Path]) -> None:
    project = tmp_path / "study"
    fineray("new", project)
    fineray("import", project, images(patients=8, each=1), "--labels-from-folders")
    rows = "".join(f"PAT-{n},{'bright' if n % 2 else 'dark'},{n % 2},-1\n" for n in range(8))
    (tmp_path / "readers.csv").write_text("patient_id,reader,effusion,nodule\n" + rows)
    done = answer(fineray("labels", project, "--from", tmp_path / "readers.csv", "--column", "reader", "--json"))
    assert (done["labelled"], done["label_set"], done["classes"]) == (8, "reader", {"bright": 4, "dark": 4})
    found = answer(fineray("labels", project, "--compare", "label", "reader", "--json"))["agreement"]
    assert found["kappa"]["value"] == -1.0 and len(found["disagreements"]) == 8
    columns = ("--column", "effusion", "--column", "nodule")
    answer(fineray("labels", project, "--from", tmp_path / "readers.csv", *columns, "--json"))
    answer(fineray("labels", project, "--finding", "findings", "effusion", "--use", "effusion", "--json"))
    done = answer(fineray("labels", project, "--to", tmp_path / "out.xlsx", "--json"))
    assert done["written"] == 8
    assert [(each["name"], each["kind"], each["in_use"]) for each in done["label_sets"]] == [
        ("label", "single", False),
        ("reader", "single", False),
        ("findings", "multi", False),
        ("effusion", "single", True),
    ]
    refused = answer(fineray("labels", project, "--use", "gone", "--json"), status=1)
    assert "no label set" in refused["error"]


def test_a_table_is_previewed_and_every_row_counted(tmp_path: Path, images: Callable[..., Path]) -> None:
    project, table = tmp_path / "study", tmp_path / "readers.csv"
    fineray("new", project)
    fineray("import", project, images(patients=4, each=1))
    table.write_text("Case;Opinion\npat-0;A\nPAT-1;a\nPAT-2;B\nPAT-3;nan\nPAT-9;B\nPAT-2;A\n;B\n")
    told = fineray("labels", project, "--from", table, "--preview")
    assert "--rule case: capital and small letters are the same; 1 more" in told.stdout
    assert "row 2: pat-0 -> A; “PAT-0”, capital and small letters?" in told.stdout
    done = answer(fineray("labels", project, "--from", table, "--rule", "case", "--preview", "--json"))
    counted = ("rows", "matched", "without_image", "without_label", "in_conflict", "left_out")
    assert [done["table"][name] for name in counted] == [7, 2, 1, 1, 3, 0]
    assert (done["table"]["key_column"], done["table"]["key"], done["table"]["missing_marks"]) == (
        "Case", "patient_id", {"nan": 1},
    )  # fmt: skip
    assert [each["row"] for each in done["conflict_rows"]] == [4, 7, 8]
    assert done["classes"] == {"A": 2} and any("read as one class" in note for note in done["notes"])
    done = answer(fineray("labels", project, "--json"))
    assert done["label_sets"][0]["classes"] == {}, "a preview writes nothing"
    chosen = ("--key-column", "case", "--label-column", "opinion", "--rule", "case", "--keep", "spelling")
    done = answer(fineray("labels", project, "--from", table, *chosen, "--keep", "missing", "--json"))
    assert done["classes"] == {"A": 1, "a": 1, "nan": 1} and done["labelled"] == 3
    assert "nothing to preview" in answer(fineray("labels", project, "--preview", "--json"), status=1)["error"]


@pytest.mark.integration
def test_a_sealed_test_set_from_seal_to_opening(tmp_path: Path, images: Callable[..., Path]) -> None:
    project = tmp_path / "study"
    fineray("new", project)
    fineray("import", project, images(patients=24, each=1), "--labels-from-folders")
    sealed = answer(fineray("seal", project, "--test-share", 0.25, "--json"))
    assert sealed["images"] == 6
    figures = answer(fineray("train", project, "--folds", 3, "--json"))
    assert sum(map(sum, figures["confusion_matrix"])) == 18 and "test" not in figures
    refused = answer(fineray("open-test", project, "run-001", "--json"), status=1)
    assert "not frozen" in refused["error"]
    frozen = answer(fineray("freeze", project, "run-001", "--positive", "dark", "--sensitivity", 0.9, "--json"))
    assert frozen["point"]["chosen_by"] == "sensitivity of at least 0.9"
    opened = answer(fineray("open-test", project, "run-001", "--json"))
    assert (opened["images"], opened["opening"]) == (6, 1)
    assert answer(fineray("evaluate", project, "run-001", "--json"))["test"]["opening"] == 1
    assert "sealed test set, opening 1" in fineray("evaluate", project, "run-001").stdout


@pytest.mark.integration
def test_an_operating_point_is_kept_shown_and_applied(tmp_path: Path, images: Callable[..., Path]) -> None:
    project, folder = tmp_path / "study", images(patients=24, each=1)
    fineray("new", project)
    fineray("import", project, folder, "--labels-from-folders")
    fineray("seal", project, "--test-share", 0.25)
    fineray("train", project, "--folds", 3)
    fineray("train", project)
    told = answer(fineray("evaluate", project, "run-001", "--json"))
    assert told["point"]["positive"] == "" == told["review"]["point"]["positive"], "nothing was chosen yet"
    by = ("--positive", "bright", "--threshold", 0.0)
    looked = answer(fineray("evaluate", project, "run-001", *by, "--json"))
    assert looked["review"]["point"]["positive"] == "bright" and looked["point"]["positive"] == "", (
        "looking keeps nothing"
    )
    kept = answer(fineray("evaluate", project, "run-001", *by, "--keep", "--json"))
    assert kept["point"] == {"positive": "bright", "threshold": 0.0, "chosen_by": "threshold given by hand"}
    told = answer(fineray("evaluate", project, "run-001", "--json"))
    assert told["point"] == kept["point"] and told["review"] == kept["review"]
    assert told["review"]["positive"] == "bright" and told["review"]["figures"]["specificity"]["value"] == 0
    assert (
        "own operating point: An image counts as “bright” from 0.000" in fineray("evaluate", project, "run-001").stdout
    )
    assert answer(fineray("evaluate", project, "run-002", "--json"))["point"]["positive"] == "", "of this run alone"
    table = tmp_path / "t.csv"
    done = answer(fineray("predict", project, "run-001", folder, "--output", table, "--json"))
    assert done["point"] == kept["point"]
    predicted = {line.split(",")[4] for line in table.read_text("utf-8").splitlines()[1:]}
    assert predicted == {"bright", ""}, "all but the sealed ones"
    fineray("predict", project, "run-001", folder, "--output", table, "--most-probable")
    assert ",dark," in table.read_text("utf-8")
    fineray("report", project, "run-001", "--output", tmp_path / "r.html")
    assert "kept with the run" in (tmp_path / "r.html").read_text("utf-8")
    for wrong in (("--threshold", 0.4), ("--threshold", 0.4, "--keep"), ("--keep",)):
        assert "error" in answer(fineray("evaluate", project, "run-001", *wrong, "--json"), status=1)
    assert "error" in answer(fineray("freeze", project, "run-001", "--sensitivity", 0.9, "--json"), status=1)
    assert answer(fineray("freeze", project, "run-001", "--json"))["point"] == kept["point"]
    refused = answer(fineray("evaluate", project, "run-001", *by, "--keep", "--json"), status=1)
    assert "frozen" in refused["error"]


@pytest.mark.slow
def test_a_split_by_manufacturer(tmp_path: Path) -> None:
    for number in range(24):
        path = tmp_path / f"images/{'ab'[number % 2]}/{number}"
        write_image(path, patient=f"P{number}", number=number, Manufacturer="ACME" if number < 16 else "Beta")
    project = tmp_path / "study"
    fineray("new", project)
    fineray("import", project, tmp_path / "images", "--labels-from-folders")
    options = ("--holdout", "--by", "manufacturer", "--test-value", "Beta", "--stratify", "view_position")
    done = answer(fineray("split", project, *options, "--json"))
    assert done["parts"]["test"] == {"a": 4, "b": 4}
    refused = answer(fineray("split", project, "--by", "shoe_size", "--json"), status=1)
    assert "no attribute" in refused["error"]


def test_pseudonyms_lead_back_with_the_key_only(tmp_path: Path, images: Callable[..., Path], monkeypatch: Any) -> None:
    project, key = tmp_path / "study", tmp_path / "key.json"
    fineray("new", project)
    fineray("import", project, images(patients=2, each=1))
    monkeypatch.setenv("FINERAY_PASSPHRASE", "a long passphrase")
    done = answer(fineray("deidentify", project, tmp_path / "out", "--dates", "removed", "--key", key, "--json"))
    assert done == {"images": 2, "blanked": 0, "held_back": {}}
    patients = answer(fineray("reidentify", key, "P00001", "--json"))["patients"]
    assert patients["P00001"][0]["PatientID"] == "PAT-0"
    monkeypatch.setenv("FINERAY_PASSPHRASE", "another passphrase")
    assert "wrong" in answer(fineray("reidentify", key, "--json"), status=1)["error"]


@pytest.mark.slow
def test_a_run_repeats_itself(tmp_path: Path, images: Callable[..., Path]) -> None:
    project = tmp_path / "study"
    fineray("new", project)
    fineray("import", project, images(patients=12, each=1), "--labels-from-folders")
    tuning = ("--mode", "finetune", "--frozen-stages", 8, "--epochs", 1, "--folds", 2)
    figures = answer(fineray("train", project, *tuning, "--json"))
    fineray("split", project, "--folds", 3)
    again = answer(fineray("repeat", project, figures["run"], "--json"))
    assert again == {"run": "run-002", "repeats": "run-001", "largest_difference": 0.0}


@pytest.mark.slow
def test_models_are_ranked_searched_controlled_and_shared(tmp_path: Path, images: Callable[..., Path]) -> None:
    project = tmp_path / "study"
    fineray("new", project)
    fineray("import", project, images(patients=12, each=1), "--labels-from-folders")
    ranking = answer(fineray("rank", project, "efficientnet_lite0", "--json"))["ranking"]
    assert [each["backbone"] for each in ranking] == ["efficientnet_lite0"] and ranking[0]["auc_low"] is not None
    searched = fineray("search", project, "--minutes", 0.05, "--folds", 2, "--json")
    assert answer(searched)["run"] == "run-001" and "search in fold 1" in searched.stderr
    options = ("--head", "cosine", "--loss", "focal", "--balance", "weights", "--input-size", 256, "--views", 1)
    assert answer(fineray("train", project, *options, "--json"))["run"] == "run-002"
    recipe = json.loads((project / "runs/run-002/recipe.json").read_text("utf-8"))
    assert (recipe["format"], recipe["head"]["kind"], recipe["loss"]["kind"], recipe["input_size"]) == (
        4,
        "cosine",
        "focal",
        256,
    )
    shared = tmp_path / "recipe.json"
    shared.write_text((project / "runs/run-002/recipe.json").read_text("utf-8"), "utf-8")
    again = answer(fineray("train", project, "--recipe", shared, "--json"))
    assert again["auc"] == answer(fineray("evaluate", project, "run-002", "--json"))["auc"]
    tuned = ("--mode", "finetune", "--frozen-stages", 8, "--epochs", 1, "--find-rate")
    assert answer(fineray("train", project, *tuned, "--json"))["run"] == "run-004"
    controls = answer(fineray("controls", project, "run-004", "--json"))["controls"]
    assert [each["what"] for each in controls] == ["frozen", "unfrozen", "from scratch", "shuffled labels"]
    assert [each["run"] for each in controls] == ["run-005", "run-006", "run-007", "run-008"]
    refused = answer(fineray("train", project, "--input-size", 100, "--json"), status=1)
    assert "224 to 1024" in refused["todo"]


@pytest.mark.slow
def test_weights_are_listed_added_and_refused(tmp_path: Path) -> None:
    import torch
    from torchvision.models import get_model

    listed = {each["name"]: each for each in answer(fineray("weights", "--json"))["backbones"]}
    assert listed["efficientnet_lite0"]["installed"] and not listed["resnet50"]["installed"]
    assert listed["convnext_tiny"]["stages"][0] == "Stem" and listed["resnet50"]["licence"]
    path = tmp_path / "mine.pth"
    torch.save(get_model("resnet18", num_classes=2).state_dict(), path)
    told = ("--backbone", "resnet18", "--title", "Mine", "--source-task", "Fractures of the wrist")
    added = answer(fineray("weights", "add", path, *told, "--json"))
    assert added["added"] == "Mine" and len(added["sha256"]) == 64
    assert "Mine" in {each["name"] for each in answer(fineray("weights", "list", "--json"))["backbones"]}
    evil = tmp_path / "evil.pth"
    evil.write_bytes(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.")
    assert "loaded safely" in answer(fineray("weights", "add", evil, *told, "--json"), status=1)["error"]
    assert "package" in answer(fineray("weights", "download", "efficientnet_lite0", "--json"), status=1)["todo"]


def test_runs_are_judged_compared_and_reported(tmp_path: Path, images: Callable[..., Path]) -> None:
    study = tmp_path / "study"
    assert fineray("new", study).returncode == 0
    assert fineray("import", study, images(patients=16, each=1), "--labels-from-folders").returncode == 0
    for _ in range(2):
        answer(fineray("train", study, "--folds", 3, "--json"))
    options = ("--positive", "dark", "--sensitivity", 0.9, "--prevalence", 0.1, "--interval", "clopper-pearson")
    judged = answer(fineray("evaluate", study, "run-001", *options, "--json"))
    review = judged["review"]
    assert review["positive"] == "dark" and set(review["thresholds"]) == {"1", "2", "3"}
    assert review["figures"]["sensitivity"]["method"] == "Clopper-Pearson, by patient"
    assert review["figures"]["ppv_there"]["value"] is not None and len(review["curves"]["roc"]["x"]) == 101
    one = answer(fineray("evaluate", study, "run-001", "--only", "view_position", "LL", "--json"), status=1)
    assert "no images" in one["error"]
    compared = answer(fineray("compare", study, "run-001", "run-002", "--positive", "dark", "--json"))
    assert [each["p"] for each in compared["tests"]] == [1.0, 1.0, 1.0] and compared["differing"] == []
    for name in ("r.pdf", "r.html"):
        written = answer(fineray("report", study, "run-001", "--output", tmp_path / name, "--json"))
        assert Path(written["report"]).stat().st_size > 20_000
    refused = answer(fineray("report", study, "run-001", "--output", tmp_path / "r.doc", "--json"), status=1)
    assert ".pdf" in refused["error"]


@pytest.mark.integration
def test_files_of_the_working_folder_are_never_run(tmp_path: Path) -> None:
    """A folder of images may hold a file that is called like a module; Fineray may well be started there."""
    images = tmp_path / "images"
    write_image(images / "1.dcm", patient="PAT-1")
    for name in ("dl", "random", "queue", "numpy", "fineray", "fineray_resources", "gdcm", "sitecustomize"):
        (images / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    start = tmp_path / "bin" / "start.py"  # as the installed `fineray` is: its own folder comes first, not this one
    start.parent.mkdir()
    start.write_text(
        "import fineray_desktop.app\nif __name__ == '__main__':\n    raise SystemExit(fineray_desktop.app.main())\n"
    )
    for words in (["new", "p"], ["import", "p", "."]):
        done = subprocess.run(
            [sys.executable, str(start), *words], cwd=images, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "imported: 1" in done.stdout
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def test_wrong_names_are_answered_with_near_ones(trained: Path, tmp_path: Path) -> None:
    """Project, run, backbone, label set, column, attribute and class."""
    table = tmp_path / "labels.csv"
    table.write_text("file,Diagnose\np1/0.dcm,bright\n")
    wrong = {
        ("evaluate", trained, "run-01"): "run-001",
        ("evaluate", trained.with_name("studi"), "run-001"): "study",
        ("train", trained, "--backbone", "efficientnet_lite"): "efficientnet_lite0",
        ("labels", trained, "--use", "labell"): "label",
        ("labels", trained, "--from", table, "--column", "diagnosis"): "diagnose",
        ("labels", trained, "--by", "view_positon"): "view_position",
        ("evaluate", trained, "run-001", "--positive", "brihgt"): "bright",
    }
    for words, near in wrong.items():
        told = answer(fineray(*words, "--json"), 1)
        assert told["todo"].startswith("Did you mean") and near in told["todo"].casefold(), (words, told)
