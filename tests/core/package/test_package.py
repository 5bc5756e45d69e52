"""A model travels: it says the same elsewhere, brings no identity and no code, and tells when it was changed."""

from __future__ import annotations

import json
import resource
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fineray.engine.jobs.table import carry_out
from fineray.engine.protocol import Failed
from fineray.engine.requests.models import ExportModel, OpenPackage
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.export.whole_network import description
from fineray.package.archive import LIST, PackageRefused, read_archive
from fineray.package.card import model_card
from fineray.package.contents import export_package, facts_of
from fineray.package.opening import open_package
from fineray.package.signature import (
    KeyUnusable,
    SignatureWrong,
    make_key,
    read_key,
)
from fineray.package.verifying import NotVerified, verify_package, verify_run
from fineray.prediction.predict import LEARNED, SEALED, predict_folder
from fineray.prediction.training_set import TrainingSet, training_set_of
from fineray.progress import Cancelled, Monitor
from fineray.project.chosen_point import point_by_rule
from fineray.project.files.importing import import_folders
from fineray.project.kept_point import keep_point, point_of, rule_of
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import FolderNotEmpty, create_project, open_project
from fineray.project.runs import (
    NotJudgedHere,
    models,
    run,
    runs,
)
from fineray.review.judging import predictions_at_point
from fineray.review.query import ReviewQuery
from fineray.system.output_file import CannotWriteThere
from fineray.training.opening import NotFrozen
from tests.support.packages import packed, rewritten
from tests.support.studies import Zoo, lend


@pytest.fixture
def package(zoo: Zoo) -> Path:
    """The frozen run of `trained` as a package, to be read alone."""
    return (
        zoo.made("package", lambda root: packed(lend(zoo.trained(), root / "study"), "run-001", root / "m.frpkg"))
        / "m.frpkg"
    )


@pytest.mark.integration
@pytest.mark.parametrize("name", ["run-001", "run-002"])
def test_it_says_the_same_elsewhere(trained: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = trained.parent / "images"
    with open_project(trained) as project:
        before = predict_folder(project, run(project, name), images)
    package = packed(trained, name, tmp_path / "m.frpkg")
    monkeypatch.setenv("FINERAY_HOME", str(tmp_path / "elsewhere"))
    opened = open_package(package, tmp_path / "there")
    assert opened.difference <= 1e-6 and opened.classes == ("bright", "dark") and opened.fingerprint == ""
    with open_project(opened.project) as project:
        assert runs(project) == [] and [each.name for each in models(project)] == [opened.run]
        after = predict_folder(project, run(project, opened.run), images)
        with pytest.raises(NotJudgedHere):
            run(project, opened.run).predictions()
    got, expected = (np.array([row.probabilities for row in table.rows]) for table in (after, before))
    assert np.abs(got - expected).max() <= 1e-5
    assert after.limit == pytest.approx(before.limit) and all(LEARNED in row.flag for row in after.rows)
    assert [row.distance for row in after.rows] == pytest.approx([row.distance for row in before.rows], rel=1e-3)
    assert "research use only" in opened.card.lower() and "40 images" in opened.card


def test_a_network_that_the_other_side_has_no_weights_for(package: Path, tmp_path: Path) -> None:
    """The weights come along, so nothing has to be installed."""
    folder = tmp_path / "members"
    folder.mkdir()
    facts = read_archive(package, folder).facts
    assert (folder / "backbone.safetensors").stat().st_size > 10_000_000
    told = json.loads((folder / "backbone.json").read_text("utf-8"))["weights"]
    assert told["sha256"] == facts["files"]["backbone.safetensors"]["sha256"] and told["package"] == ""


def test_no_identity_no_picture_and_no_rare_value_leaves(trained: Path, tmp_path: Path) -> None:
    with open_project(trained) as project, project.db as db:
        db.execute("UPDATE image SET manufacturer = 'Dr Rare Name' WHERE id = 1")
    package = packed(trained, "run-001", tmp_path / "m.frpkg")
    written = package.read_bytes()
    for text in (b"PAT-", b"Name", b"P00001", b"1.2.826", str(trained).encode()):
        assert text not in written
    folder = tmp_path / "members"
    folder.mkdir()
    read_archive(package, folder)
    known = TrainingSet.load(folder)
    assert known.attributes["manufacturer"] == {"not stated": 40} and known.images == len(known.learned) == 40
    with open_project(trained) as project:
        (content,) = project.db.execute("SELECT content_hash FROM image WHERE id = 1").fetchone()
    assert content.encode() not in written and known.digest(content) in known.learned


@pytest.mark.parametrize("member", ["head.safetensors", "backbone.safetensors", "recipe.json", "metrics.json", LIST])
def test_a_changed_byte_is_noticed(package: Path, tmp_path: Path, member: str) -> None:

    def flip(members: dict[str, bytes]) -> None:
        content = bytearray(members[member])
        content[len(content) // 2] ^= 1
        members[member] = bytes(content)

    changed = rewritten(package, tmp_path / "changed.frpkg", flip)
    with pytest.raises(PackageRefused):
        open_package(changed, tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.integration
def test_another_head_under_right_hashes_says_something_else(trained: Path, tmp_path: Path) -> None:
    from hashlib import sha256

    from safetensors.numpy import load, save

    package = packed(trained, "run-001", tmp_path / "m.frpkg", key=make_key(tmp_path / "key.pem"))

    def forge(members: dict[str, bytes]) -> None:
        with zipfile.ZipFile(package) as archive:
            header = archive.read("head.safetensors")
        arrays = load(header)
        arrays["layer.bias"] = arrays["layer.bias"] + 0.1
        size = int.from_bytes(header[:8], "little")
        metadata = json.loads(header[8 : 8 + size])["__metadata__"]
        members["head.safetensors"] = save(arrays, metadata)
        facts = json.loads(members[LIST])
        told = facts["files"]["head.safetensors"]
        told["sha256"] = sha256(members["head.safetensors"]).hexdigest()
        told["bytes"] = len(members["head.safetensors"])
        members[LIST] = json.dumps(facts).encode()

    forged = rewritten(package, tmp_path / "forged.frpkg", forge)
    with pytest.raises(SignatureWrong):
        open_package(forged, tmp_path / "there")

    def forge_and_unsign(members: dict[str, bytes]) -> None:
        forge(members)
        del members["signature.json"]

    unsigned = rewritten(package, tmp_path / "unsigned.frpkg", forge_and_unsign)
    with pytest.raises(PackageRefused, match="does not predict here"):
        open_package(unsigned, tmp_path / "there")


@pytest.mark.integration
def test_signatures(trained: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key.pem", "a long secret")
    with pytest.raises(KeyUnusable):
        read_key(tmp_path / "key.pem", "another")
    with pytest.raises(KeyUnusable):
        make_key(tmp_path / "key.pem")
    same = read_key(tmp_path / "key.pem", "a long secret")
    package = packed(trained, "run-001", tmp_path / "m.frpkg", key=same)
    opened = open_package(package, tmp_path / "there", signed_by=key.fingerprint.upper().replace(" ", ""))
    assert opened.fingerprint == key.fingerprint
    other = make_key(tmp_path / "other.pem")
    with pytest.raises(SignatureWrong):
        open_package(package, tmp_path / "elsewhere", signed_by=other.fingerprint)
    plain = packed(trained, "run-001", tmp_path / "plain.frpkg")
    with pytest.raises(SignatureWrong, match="not signed"):
        open_package(plain, tmp_path / "elsewhere", signed_by=key.fingerprint)
    assert not (tmp_path / "elsewhere").exists()


def test_hostile_archives_are_refused(package: Path, tmp_path: Path) -> None:

    def adding(name: str) -> Path:
        return rewritten(package, tmp_path / "bad.frpkg", lambda members: members.update({name: b"import os"}))

    for name in ("../../evil.json", "/etc/evil", "C:\\evil", "model.pth", "run.py", "folder/recipe.json"):
        with pytest.raises(PackageRefused):
            open_package(adding(name), tmp_path / "there")
    with zipfile.ZipFile(package) as archive, zipfile.ZipFile(tmp_path / "bomb.frpkg", "w") as bomb:
        for name in archive.namelist():
            bomb.writestr(name, archive.read(name), zipfile.ZIP_DEFLATED)
    with pytest.raises(PackageRefused):
        open_package(tmp_path / "bomb.frpkg", tmp_path / "there")
    (tmp_path / "cut.frpkg").write_bytes(package.read_bytes()[:-5000])
    (tmp_path / "text.frpkg").write_text("hello")
    (tmp_path / "other.frpkg").write_bytes(b"PK\5\6" + bytes(18))
    for name in ("cut", "text", "other", "missing"):
        with pytest.raises(PackageRefused):
            open_package(tmp_path / f"{name}.frpkg", tmp_path / "there")
    link = zipfile.ZipInfo("recipe.json")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.frpkg", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr(LIST, json.dumps({"format": 1, "files": {}}))
    with pytest.raises(PackageRefused):
        open_package(tmp_path / "link.frpkg", tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.update(format=99),
        lambda facts: facts.update(format="one"),
        lambda facts: facts.pop("files"),
        lambda facts: facts["preprocessing"].update(input="another"),
        lambda facts: facts.update(classes=["a", "b", "c"]),
        lambda facts: facts.update(reference=[[0.0, 0.0]]),
        lambda facts: facts.update(point={"positive": "bright", "limit": 1}),
        lambda facts: facts.pop("reference"),
    ],
)
def test_lists_of_another_kind_are_refused(
    package: Path, tmp_path: Path, change: Callable[[dict[str, object]], None]
) -> None:

    def edit(members: dict[str, bytes]) -> None:
        facts = json.loads(members[LIST])
        change(facts)
        members[LIST] = json.dumps(facts).encode()

    with pytest.raises(PackageRefused):
        open_package(rewritten(package, tmp_path / "bad.frpkg", edit), tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.integration
def test_it_joins_a_project_once_and_only_an_empty_folder_becomes_one(
    package: Path, trained: Path, tmp_path: Path
) -> None:
    create_project(tmp_path / "mine")
    assert open_package(package, tmp_path / "mine").run == "run-001"
    assert open_package(package, tmp_path / "mine").run == "run-001", "not a second time"
    other = packed(trained, "run-002", tmp_path / "o.frpkg")
    assert open_package(other, tmp_path / "mine").run == "run-002"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    with pytest.raises(FolderNotEmpty):
        open_package(package, tmp_path / "full")
    again = packed(tmp_path / "mine", "run-001", tmp_path / "again.frpkg")
    opened = open_package(again, tmp_path / "third")
    with open_project(opened.project) as project:
        table = predict_folder(project, run(project, opened.run), trained.parent / "images")
    assert all(LEARNED in row.flag for row in table.rows), "what it learned from is known at the third place too"


@pytest.mark.integration
def test_a_point_chosen_at_export_calls_elsewhere(trained: Path, tmp_path: Path) -> None:
    rule = PointRule("sensitivity", "dark", 0.95)
    package = packed(trained, "run-001", tmp_path / "m.frpkg", rule=rule, abstain=(0.4, 0.6))
    opened = open_package(package, tmp_path / "there")
    with open_project(opened.project) as project:
        folder = run(project, opened.run)
        facts = folder.package()
        assert facts is not None and facts["abstain"] == [0.4, 0.6] and facts["point"]["positive"] == "dark"
        table = predict_folder(project, folder, trained.parent / "images")
        assert table.point == OperatingPoint.from_json(facts["point"])


@pytest.mark.integration
def test_the_runs_own_point_goes_along_in_every_form(trained: Path, tmp_path: Path) -> None:
    rule = PointRule("sensitivity", "dark", 0.95)
    with open_project(trained) as project:
        folder = run(project, "run-001")
        point = point_by_rule(folder, rule)
        keep_point(project, folder, rule, point)
        facts = facts_of(folder)
        assert description(facts)["point"] == facts["point"] == point.to_json(), "ONNX and MONAI Bundle"
        assert f"“dark” from {point.threshold:.3f} on" in model_card(facts, training_set_of(project, folder), folder)
        assert facts_of(run(project, "run-002"))["point"]["positive"] == "", "another run's is its own"
    opened = open_package(packed(trained, "run-001", tmp_path / "m.frpkg"), tmp_path / "there")
    with open_project(opened.project) as project:
        folder = run(project, opened.run)
        assert point_of(folder) == point and rule_of(folder).kind == "fixed"
        assert predict_folder(project, folder, trained.parent / "images").point == point
    chosen = packed(trained, "run-001", tmp_path / "n.frpkg", rule=PointRule())
    opened = open_package(chosen, tmp_path / "third")
    with open_project(opened.project) as project:
        assert point_of(run(project, opened.run)) == OperatingPoint(), "another one can be asked for"


@pytest.mark.parametrize(
    "point", [{"positive": "grey"}, {"threshold": "low"}, {"threshold": 3}, {"findings": {"x": 1}}]
)
def test_a_point_that_fits_nothing_is_refused(package: Path, tmp_path: Path, point: dict[str, object]) -> None:

    def change(members: dict[str, bytes]) -> None:
        told = json.loads(members[LIST])
        told["point"].update(point)
        members[LIST] = json.dumps(told).encode()

    with pytest.raises(PackageRefused):
        open_package(rewritten(package, tmp_path / "changed.frpkg", change), tmp_path / "there")


@pytest.mark.integration
def test_nothing_half_written_is_left(trained: Path, tmp_path: Path) -> None:
    class Stop(Monitor):
        def check(self) -> None:
            raise Cancelled

    with open_project(trained) as project:
        folder = run(project, "run-001")
        with pytest.raises(Cancelled):
            export_package(project, folder, tmp_path / "m.frpkg", monitor=Stop())
        for target in (tmp_path / "m.zip", tmp_path / "no" / "m.frpkg"):
            with pytest.raises(CannotWriteThere):
                export_package(project, folder, target)
    package = packed(trained, "run-001", tmp_path / "m.frpkg")
    with pytest.raises(Cancelled):
        open_package(package, tmp_path / "there", monitor=Stop())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.frpkg", "trained"]


@pytest.fixture
def frozen_study(zoo: Zoo, tmp_path: Path, home: Path) -> tuple[Path, Path]:
    """(a project with a sealed test set, a frozen run and the test opened; its images)."""
    made = zoo.sealed_and_opened()
    return lend(made, tmp_path / "sealed", home), made / "images"


def test_a_capsule_holds_a_frozen_study_and_its_figures_follow(
    frozen_study: tuple[Path, Path], trained: Path, tmp_path: Path
) -> None:
    study, images = frozen_study
    with pytest.raises(NotFrozen):
        packed(trained, "run-001", tmp_path / "no.frpkg", kind="study")
    capsule = packed(study, "run-001", tmp_path / "c.frpkg", kind="study")
    found = verify_package(capsule, Monitor())
    assert sum("follow from the predictions" in each.what for each in found) == 2
    with open_project(study) as project:
        assert len(verify_run(run(project, "run-001"))) == 3
    opened = open_package(capsule, tmp_path / "there")
    with open_project(opened.project) as project:
        folder = run(project, opened.run)
        assert folder.package() is not None and runs(project) == [], "its predictions are not of images here"
        table = predict_folder(project, folder, images)
    refused = [row for row in table.rows if row.flag == SEALED]
    assert len(refused) == 10, "the seal travels along"
    assert table.point.threshold == 0.6


@pytest.mark.integration
def test_figures_that_do_not_follow_are_found(frozen_study: tuple[Path, Path], tmp_path: Path) -> None:
    study, _ = frozen_study
    folder = study / "runs" / "run-001"
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    kept = (folder / "metrics.json").read_bytes()
    metrics["per_class"][0]["figures"]["sensitivity"]["low"] += 0.001
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with open_project(study) as project, pytest.raises(NotVerified, match="not the one that was frozen"):
        verify_run(run(project, "run-001"))
    shutil.copyfile(folder / "frozen.json", tmp_path / "frozen.json")
    (folder / "frozen.json").unlink()
    with open_project(study) as project, pytest.raises(NotVerified, match="sensitivity low"):
        verify_run(run(project, "run-001"))
    (folder / "metrics.json").write_bytes(kept)
    lines = (folder / "predictions.csv").read_text("utf-8").splitlines()
    lines[1] = lines[1].replace("bright", "DARK").replace("dark", "bright").replace("DARK", "dark")
    (folder / "predictions.csv").write_text("\n".join(lines) + "\n", "utf-8")
    with open_project(study) as project, pytest.raises(NotVerified):
        verify_run(run(project, "run-001"))


@pytest.mark.integration
def test_a_brought_point_is_not_chosen_again(trained: Path, tmp_path: Path) -> None:
    from fineray.prediction.validation import validate

    package = packed(trained, "run-001", tmp_path / "m.frpkg", rule=PointRule("threshold", "dark", 0.9))
    create_project(tmp_path / "mine")
    from tests.support.images import write_image

    for patient in range(8):
        label = ("bright", "dark")[patient % 2]
        level = 0.62 if label == "bright" else 0.38
        write_image(tmp_path / "new" / label / f"n{patient}", patient=f"NEW-{patient}", level=level)
    with open_project(tmp_path / "mine") as project:
        import_folders(project, [tmp_path / "new"])
        apply_labels(project, preview_folders(project))
    name = open_package(package, tmp_path / "mine").run
    with open_project(tmp_path / "mine") as project:
        done = validate(project, run(project, name), Monitor())
        _, predicted = predictions_at_point(done, ReviewQuery(done.name, rule_of(done)))
        assert predicted.point.threshold == 0.9 == point_of(done).threshold and predicted.thresholds == {}
        export_package(project, done, tmp_path / "again.frpkg")
    (tmp_path / "members").mkdir()
    read_archive(tmp_path / "again.frpkg", tmp_path / "members")
    assert TrainingSet.load(tmp_path / "members").attributes["modality"] == {"DX": 40}, "as it came"


@pytest.mark.integration
def test_no_room_for_the_output(trained: Path, tmp_path: Path) -> None:
    """As with a full disk: no file may grow over a megabyte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    package = packed(trained, "run-001", tmp_path / "m.frpkg")
    request = ExportModel(trained, "run-001", "frpkg", tmp_path / "n.frpkg")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        told = carry_out(0, request, Monitor())
        opened = carry_out(0, OpenPackage(package, tmp_path / "there"), Monitor())
        bundle = carry_out(0, ExportModel(trained, "run-001", "monai-bundle", tmp_path / "bundle"), Monitor())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    for failed in (told, opened, bundle):
        assert isinstance(failed, Failed) and "no room left" in failed.what, failed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.frpkg", "trained"]
