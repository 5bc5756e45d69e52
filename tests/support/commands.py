"""Commands of `fineray`, and their answers."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fineray.cli.main import main


def fineray(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which spares it the import of torch; installed() is the real thing."""
    words, out, err = list(map(str, arguments)), io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as leaving:
            status = int(leaving.code or 0)
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


def installed(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the program itself."""
    return subprocess.run(
        [sys.executable, "-m", "fineray_desktop.app", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=280,
        check=False,
    )


def answer(done: subprocess.CompletedProcess[str], status: int = 0) -> dict[str, Any]:
    """The one line of JSON on standard output, of a command that ended so."""
    assert done.returncode == status, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    parsed: dict[str, Any] = json.loads(lines[0])
    return parsed
