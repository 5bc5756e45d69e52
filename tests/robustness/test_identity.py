"""Every byte that a whole session writes to any file is searched for planted identity."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.robustness.reliability import Reliability
from tests.support.identity import MARKS, NAME, UID, full_of_identity
from tests.support.recording import can_record, operations, record

ROOT = Path(__file__).parents[2]
PATH_MARK = b"anna-petrowna"  # of the folder that the images lie in
COMMANDS = """
import sys
from pathlib import Path
from fineray.cli.main import main
from fineray.system.crash_report import keep_report
from fineray.dicom.location import FileLocation
from fineray.dicom.read import open_dicom

def run(*words):
    status = main([str(word) for word in words])
    assert status == 0, words

if __name__ == "__main__":
    root, images = Path(sys.argv[1]), Path(sys.argv[2])
    study, out = root / "study", root / "out"
    out.mkdir()
    run("new", study)
    run("import", study, images, "--labels-from-folders", "--json")
    run("labels", study, "--to", out / "labels.csv", "--json")
    run("check", study, "--json")
    run("doctor", study, "--json")
    run("train", study, "--folds", "2", "--json")
    run("evaluate", study, "run-001", "--json")
    run("report", study, "run-001", "--output", out / "report.html", "--thumbnails", "--parts", out / "parts")
    run("report", study, "run-001", "--output", out / "report.pdf", "--json")
    run("predict", study, "run-001", images, "--output", root / "predicted.csv", "--json")
    run("export", study, "run-001", "--format", "frpkg", "--output", out / "model.frpkg", "--json")
    run("open", out / "model.frpkg", "--to", out / "opened", "--json")
    run("deidentify", study, out / "clean", "--key", out / "key.json", "--json")
    try:
        ds = open_dicom(FileLocation(next(path for path in images.rglob("*") if path.is_file())))
        raise RuntimeError(f"a fault of ours that repeats what it was about: {ds.PatientName} {ds}")
    except RuntimeError as error:
        keep_report(error)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not can_record(), reason="needs strace, allowed to look at processes")
def test_no_byte_of_a_session_holds_identity(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, reliability: Reliability
) -> None:
    random = np.random.default_rng(3)
    images = tmp_path / "in" / "anna-petrowna"
    for patient in range(12):
        shade = np.clip(0.4 + 0.2 * (patient % 2) + random.normal(0, 0.08, (64, 60)), 0, 1)
        values = np.round(shade * 4095).astype(np.uint16)
        full_of_identity(images / ("ill", "well")[patient % 2] / f"{patient}.dcm", values, str(patient))
    (images / "ill" / "hostile.dcm").write_bytes(b"\0" * 128 + b"DICM" + NAME.encode() * 500)
    (tmp_path / "session.py").write_text(COMMANDS)
    home, temporary = tmp_path / "home", tmp_path_factory.mktemp("t")  # a socket's path has at most 107 letters
    environment = {
        **os.environ,
        "FINERAY_HOME": str(home), "FINERAY_DEBUG": "1", "TMPDIR": str(temporary),
        "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
        "FINERAY_PASSPHRASE": "a long passphrase",
    }  # fmt: skip
    done = record(
        [sys.executable, str(tmp_path / "session.py"), str(tmp_path), str(images)], tmp_path / "log", environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    sources, table = f"{home}/sources/", str(tmp_path / ".predicted.csv.partial")
    written, files, leaks, traced = 0, set(), set(), set()
    # A mark may straddle two writes: the end of the one before is looked at again.
    tails: dict[str, bytes] = {}
    for each in operations(tmp_path / "log"):
        assert not any(mark.decode() in (each.path + each.to).lower() for mark in MARKS), "not in a file's name either"
        if each.kind != "write":
            continue
        data = tails.get(each.path, b"") + each.data.lower()
        tails[each.path] = data[-64:]
        written, files = written + len(each.data), files | {each.path}
        leaks |= {(each.path, mark) for mark in MARKS if mark in data}
        traced |= {each.path} if PATH_MARK in data else set()
    # Predictions of images elsewhere lead back to them by file and instance, which is what they are for.
    assert {leak for leak in leaks if leak[0] != table} == set()
    assert {mark for path, mark in leaks if path == table} <= {UID.encode()}
    assert {path for path in traced if not path.startswith(sources)} == set(), "where images lie is the user's alone"
    assert any(path.startswith(sources) for path in traced)
    said = (done.stdout + done.stderr).lower().encode()
    assert not [mark for mark in MARKS if mark in said]
    assert len(files) > 40 and any("crashes" in path for path in files)
    assert subprocess.run(["grep", "-rlai", NAME, str(tmp_path / "study"), str(home), str(temporary)]).returncode == 1
    reliability.note(
        "Identity",
        f"{written / 1e6:,.0f} MB in {len(files)} files, every write of 13 commands over images with thousands of"
        " planted names, numbers, dates and texts: none found, but instance UIDs in the table of predictions",
    )
