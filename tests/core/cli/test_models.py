"""Options of the commands that give models away and take them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from fineray.cli.main import parser


@pytest.mark.parametrize("option", ["--images", "--films"])
def test_the_images_to_validate_on_are_named_as_now_and_as_before(option: str) -> None:
    options = parser().parse_args(["validate", "study", "run-001", option, "new", "--labels", "l.csv", "--to", "other"])
    assert options.images == Path("new")
