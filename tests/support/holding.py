"""A worker process in which the loading of a library takes until the test lets it go on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from types import ModuleType

from fineray.engine.worker import serve


class Hold(MetaPathFinder):
    """Finds one library where it lies, and runs it only once `go_on` is set."""

    def __init__(self, library: str, go_on: Event) -> None:
        self._library, self._go_on = library, go_on

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._library:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None and spec.loader is not None
        run = spec.loader.exec_module

        def held(module: ModuleType) -> None:
            assert self._go_on.wait(60)
            run(module)

        spec.loader.exec_module = held  # type: ignore[method-assign]
        return spec


def serve_holding(connection: Connection, library: str, go_on: Event) -> None:
    """Like serve(), but the library waits."""
    assert library not in sys.modules
    sys.meta_path.insert(0, Hold(library, go_on))
    serve(connection)
