"""Every change can be taken back, in order, also after the project was closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fineray.project.catalogue import image_rows
from fineray.project.changes import (
    leave_out,
    next_undo,
    put_back,
    set_labels,
    undo,
)
from fineray.project.files.importing import import_folders
from fineray.project.project import Project, create_project, open_project


def _state(project: Project) -> list[tuple[int, str, str]]:
    return [(row.id, row.label, row.left_out) for row in image_rows(project)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["label", "unlabel", "out", "back"]),
            st.sets(st.integers(1, 6), min_size=1),
            st.sampled_from("abc"),
        ),
        max_size=12,
    )
)
def test_undo_goes_back_step_by_step(
    tmp_path_factory: object, images: Callable[..., Path], changes: list[tuple[str, set[int], str]]
) -> None:
    root = tmp_path_factory.mktemp("p") / "p"  # type: ignore[attr-defined]
    create_project(root)
    folder = images(patients=6, each=1)
    with open_project(root) as project:
        import_folders(project, [folder])
        states = [_state(project)]
        for kind, images, value in changes:
            if kind in ("label", "unlabel"):
                set_labels(project, dict.fromkeys(images, value if kind == "label" else None), kind)
            else:
                (leave_out if kind == "out" else put_back)(project, images, *([value] if kind == "out" else []))
            states.append(_state(project))
    with open_project(root) as project:
        for state in reversed(states[:-1]):
            assert next_undo(project) is not None
            assert undo(project) is not None
            assert _state(project) == state
        assert undo(project) is None
