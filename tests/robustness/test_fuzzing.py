"""The long form lets a coverage-guided fuzzer look for bytes that the header reader does not expect."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.robustness.reliability import Reliability
from tests.support.mutations import seeds

ROOT = Path(__file__).parents[2]
SECONDS = int(os.environ.get("FINERAY_FUZZ_SECONDS", "1800"))


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 600)
def test_the_header_reader_withstands_a_fuzzer(tmp_path: Path, reliability: Reliability) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed (pip install atheris)")
    (tmp_path / "corpus").mkdir()
    for number, whole in enumerate(each for each in seeds(tmp_path) if len(each) < 300_000):
        (tmp_path / "corpus" / f"{number}").write_bytes(whole)
    command = [sys.executable, "-m", "tests.robustness.fuzz_header", f"-max_total_time={SECONDS}", "-timeout=10"]
    command += ["-rss_limit_mb=3000", "-max_len=32768", f"-artifact_prefix={tmp_path}/", str(tmp_path / "corpus")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    runs = re.findall(r"Done (\d+) runs in (\d+) second", done.stderr)
    coverage = re.findall(r"cov: (\d+)", done.stderr)
    assert runs and coverage
    reliability.note(
        "Fuzzing of the header reader",
        f"atheris, {int(runs[-1][0]):,} inputs in {int(runs[-1][1]):,} s, {int(coverage[-1]):,} edges of fineray.dicom"
        " and pydicom reached: every input read, or refused with a reason",
    )
