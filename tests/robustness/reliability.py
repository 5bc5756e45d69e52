"""docs/reliability.md: what the tests of this folder measured, written by themselves.

`pytest tests/robustness --reliability docs/reliability.md -n 0 -m "integration or alone or slow"`, or `-m soak` for the
long form, puts the figures of the tests that ran into the table; lines of tests that did not run stay as they are.
"""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import date
from pathlib import Path

HEAD = """# Reliability

What the tests in `tests/robustness` measured, written by the tests themselves: `pytest tests/robustness --reliability
docs/reliability.md -n 0 -m "integration or alone or slow"`, with `-m soak` for the long form (hours).
Each promise has a test that fails where it is broken; docs/threat-model.md says against whom.

| promise | measured | test | commit, day, machine |
|---|---|---|---|
"""


class Reliability:
    """Collects the figures of one session of tests."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._rows: dict[str, str] = {}
        self.test = ""

    def note(self, promise: str, measured: str) -> None:
        """One line of the table; a later one of the same promise takes its place."""
        self._rows[promise] = f"| {promise} | {measured} | {self.test} | {_when()} |"

    def write(self) -> None:
        """Put the lines into the file, if one was asked for."""
        if self._file is None or not self._rows:
            return
        lines = self._file.read_text("utf-8").splitlines() if self._file.is_file() else []
        kept = {line.split("|")[1].strip(): line for line in lines[len(HEAD.splitlines()) :] if line.startswith("| ")}
        self._file.write_text(HEAD + "\n".join((kept | self._rows)[name] for name in sorted(kept | self._rows)) + "\n")


def _when() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    machine = f"{platform.system()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    return f"{commit.stdout.strip() or 'no commit'}, {date.today()}, {machine}"
