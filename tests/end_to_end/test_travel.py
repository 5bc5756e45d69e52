"""Models travel by the command line: out, in, judged, verified; a watched folder; archives off."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import answer, fineray
from tests.support.images import write_image


@pytest.mark.slow
def test_a_model_goes_out_comes_in_and_is_judged(trained: Path, tmp_path: Path) -> None:
    images = trained.parent / "images"
    key = answer(fineray("signing-key", tmp_path / "key.pem", "--json"))
    package = tmp_path / "m.frpkg"
    told = answer(
        fineray("export", trained, "run-001", "--format", "frpkg", "--output", package, "--sign", tmp_path / "key.pem",
                "--positive", "dark", "--specificity", "0.9", "--json")
    )  # fmt: skip
    assert told["fingerprint"] == key["fingerprint"] and len(told["sha256"]) == 64
    opened = answer(fineray("open", package, "--signed-by", key["fingerprint"], "--json"))
    assert opened["project"] == str(tmp_path / "m") and opened["run"] == "run-001"
    assert "error" in answer(fineray("open", package, "--to", tmp_path / "x", "--signed-by", "00", "--json"), status=1)
    rows = []
    for project, name in ((trained, "run-001"), (tmp_path / "m", opened["run"])):
        table = tmp_path / f"{project.name}.csv"
        answer(fineray("predict", project, name, images, "--output", table, "--json"))
        with table.open(encoding="utf-8") as file:
            rows.append([float(row["p_dark"]) for row in csv.DictReader(file)])
    assert len(rows[0]) == 40 and rows[0] == pytest.approx(rows[1], abs=1e-5)
    assert answer(fineray("verify", package, "--json"))["found"]
    assert answer(fineray("verify", trained, "run-001", "--json"))["found"]
    for number in range(8):
        label = ("bright", "dark")[number % 2]
        write_image(tmp_path / "new" / label / f"{number}.dcm", patient=f"N-{number}", level=(0.6, 0.4)[number % 2])
    answer(fineray("import", tmp_path / "m", tmp_path / "new", "--labels-from-folders", "--json"))
    judged = answer(fineray("validate", tmp_path / "m", "run-001", "--statistics", tmp_path / "back.json", "--json"))
    assert judged["images"] == 8 and judged["run"] == "run-002"
    assert answer(fineray("verify", tmp_path / "back.json", "--json"))["found"]
    package.write_bytes(package.read_bytes()[:-100])
    failed = answer(fineray("verify", package, "--json"), status=1)
    assert failed["error"] and failed["todo"]


@pytest.mark.integration
def test_a_folder_is_watched_until_interrupted(trained: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "new" / "1.dcm", patient="N-1", level=0.6)
    command = [
        sys.executable,
        "-m",
        "fineray_desktop.app",
        "predict",
        str(trained),
        "run-001",
        str(tmp_path / "new"),
        "--json",
    ]
    command += ["--output", str(tmp_path / "p.csv"), "--watch", "0.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stderr is not None and watching.stdout is not None
        for line in watching.stderr:
            if line.startswith("Watching"):
                break
        assert len((tmp_path / "p.csv").read_text("utf-8").splitlines()) == 2
        watching.send_signal(signal.SIGINT)
        told = json.loads(watching.stdout.read())
        watching.stderr.read()
    assert watching.returncode == 0 and told["scored"] == 1


def test_archives_are_off_at_first() -> None:
    assert answer(fineray("pacs", "--json"))["archives"]["enabled"] is False
    answer(fineray("pacs", "add", "a", "--host", "127.0.0.1", "--port", "1", "--ae-title", "A", "--json"))
    assert "switched off" in answer(fineray("pacs", "find", "a", "--json"), status=1)["error"]
    answer(fineray("pacs", "on", "--json"))
    assert "cannot be reached" in answer(fineray("pacs", "echo", "a", "--json"), status=1)["error"]
    assert "AE title" in answer(fineray("pacs", "add", "b", "--host", "h", "--json"), status=1)["error"]
