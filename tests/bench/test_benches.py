"""The benchmarks still run; their figures are taken by hand, on a quiet machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fineray.demo.study import write_study
from tests.bench.bench_import import PeakMemory
from tests.bench.full_size import BITS, ENCODINGS, OWN_DEPTH, full_size

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study with labels.csv."""
    return write_study(tmp_path_factory.mktemp("bench") / "images", patients=14).parent


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bench_main_job", "five folds"),
        ("bench_decoders", "pyjpegls"),
        ("bench_import", "killed import"),
        ("bench_catalogue", "through the wall"),
        ("bench_checks", "all checks of 80 images"),
        ("bench_memory", "finetune"),
        ("bench_review", "Grad-CAM with its checks"),
    ],
)
def test_it_runs(name: str, said: str, study: Path) -> None:
    argument = {"bench_import": "60", "bench_catalogue": "300", "bench_checks": "80", "bench_memory": "40"}.get(
        name, str(study)
    )
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{name}", argument],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_films_of_every_size_and_encoding_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    full_size(1, PeakMemory, ((130, 100),))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(BITS) * len(ENCODINGS) - len(OWN_DEPTH)
    assert any("14 bits, JPEG 2000" in line for line in lines)


def test_every_figure_of_a_gpu_is_gone_through_without_one() -> None:
    command = [sys.executable, "-m", "tests.bench.bench_gpu", "--on", "cpu", "--seconds", "1000"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert not found["skipped"] and "failed" not in done.stdout, done.stdout
    assert found["networks"].keys() == {"resnet50", "efficientnet_lite0"} and found["whole"]["images"] == 48


def test_a_session_on_a_gpu_ends_in_time_and_says_what_it_left_out() -> None:
    command = [sys.executable, "-m", "tests.bench.gpu_session", "--on", "cpu", "--seconds", "60"]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False)
    assert time.monotonic() - started < 75
    found = json.loads(done.stdout)
    assert found["tests"]["ended"].startswith("stopped") and "whole" in found["figures"]["skipped"]


def test_transfer_is_compared(study: Path) -> None:
    command = [sys.executable, "-m", "tests.bench.bench_transfer", str(study), "--only", "tutorial", "frozen"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert [line.split()[0] for line in lines] == ["method", "tutorial", "frozen"] and "failed" not in done.stdout
