#!/usr/bin/env python3
"""Which modules Fineray loads, as installer/recorder told of them, against what the frozen program leaves out.

installer/recorded.py FOLDER        prints the names, for `fineray --self-check imports`; exits with 1 where one of
                                    them is left out by installer/pyinstaller/left_out.py
"""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Loaded only because the program was not frozen there: it starts from a script, in an editable installation.
ONLY_UNFROZEN = {
    *("sitecustomize", "usercustomize", "start", "self_check", "left_out", "torchvision_without_operators"),
    *("_distutils_hack", "_virtualenv"),
}


# OpenVINO tries each of its readers when it is imported, and goes on without those that are left out.
NOT_NEEDED = ("openvino.frontend.tensorflow",)


def recorded(folder: Path) -> set[str]:
    """The modules of all processes that wrote into the folder."""
    lines = {line for path in folder.glob("*.txt") for line in path.read_text("utf-8").splitlines()}
    names = {line.split("\t")[0] for line in lines}
    return {name for name in names if name.partition(".")[0] not in ONLY_UNFROZEN and not _nameless(name)}


def _nameless(name: str) -> bool:
    """Extensions that load one another under a name of their own, which no import finds, and what is not needed."""
    top = name.partition(".")[0]
    return (top.startswith("_") and top not in sys.stdlib_module_names) or name.startswith(NOT_NEEDED)


def left_out_but_loaded(modules: set[str]) -> list[str]:
    """What of these modules, or of what they lie below, installer/pyinstaller/left_out.py calls unused."""
    unused = runpy.run_path(str(HERE / "pyinstaller" / "left_out.py"))["UNUSED"]
    return sorted(each for each in modules if any(each == name or each.startswith(f"{name}.") for name in unused))


def never_loaded(modules: set[str]) -> list[str]:
    """Fineray's own modules that are not among these: the way of work has to come to all of them."""
    own = (
        path.relative_to(ROOT / part).with_suffix("")
        for part in ("core", "desktop")
        for path in (ROOT / part).rglob("*.py")
    )
    names = {".".join(path.parts).removesuffix(".__init__") for path in own}
    return sorted(names - modules)


def main(folder: Path) -> None:
    modules = recorded(folder)
    sys.stdout.write("".join(f"{name}\n" for name in sorted(modules)))
    problems = [f"loaded, and left out of the frozen program: {name}" for name in left_out_but_loaded(modules)]
    problems += [f"never loaded: {name}" for name in never_loaded(modules)]
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
