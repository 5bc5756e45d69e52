#!/usr/bin/env python3
"""Which wheels each platform gets, with hashes: installer/locks/<platform>.txt.

    installer/locks.py check      every dependency has a wheel for every platform, and the lock files fit pyproject.toml
    installer/locks.py update     resolve anew
    installer/locks.py wheelhouse PLATFORM DIR [--python 3.11]
                                  collect all wheels with an install script, for machines without a network

uv resolves for other platforms than this one (its markers are those of the platform asked for; pip's --platform takes
the markers of the host).
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PLATFORMS = {
    "linux-x86_64": ("x86_64-manylinux_2_28", "manylinux_2_28_x86_64"),
    "windows-x86_64": ("x86_64-pc-windows-msvc", "win_amd64"),
    "macos-arm64": ("aarch64-apple-darwin", "macosx_14_0_arm64"),
}
PYTHON = "3.11"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = options.add_subparsers(dest="way", required=True)
    ways.add_parser("check")
    ways.add_parser("update")
    house = ways.add_parser("wheelhouse")
    house.add_argument("platform", choices=PLATFORMS)
    house.add_argument("folder", type=Path)
    house.add_argument("--python", default=PYTHON)
    given = options.parse_args()
    if given.way == "wheelhouse":
        wheelhouse(given.platform, given.folder, given.python)
    elif given.way == "update":
        (HERE / "locks").mkdir(exist_ok=True)
        for name in PLATFORMS:
            lock(name, HERE / "locks" / f"{name}.txt", PYTHON, anew=True)
    elif not check():
        sys.exit(1)


def lock(name: str, target: Path, python: str, anew: bool = False) -> bool:
    """Resolve for a platform, wheels alone; what the target pins already stays unless it is to be made anew."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml", "--extra", "cpu"),
            *("--python-platform", PLATFORMS[name][0], "--python-version", python, "--only-binary", ":all:"),
            *("--generate-hashes", "--no-header", "--no-annotate", "--output-file", str(target)),
            *(["--upgrade"] if anew else []),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        sys.stderr.write(f"{name}: {done.stderr}\n")
    return done.returncode == 0


def check() -> bool:
    """Whether each lock file is what its platform resolves to, its own pins kept."""
    fine = True
    for name in PLATFORMS:
        kept = HERE / "locks" / f"{name}.txt"
        with tempfile.TemporaryDirectory() as folder:
            found = Path(folder) / "lock.txt"
            shutil.copyfile(kept, found)
            resolved = lock(name, found, PYTHON)
            same = resolved and pins(found) == pins(kept)
        if resolved and not same:
            sys.stderr.write(f"{name}: the lock file does not fit pyproject.toml; run installer/locks.py update\n")
        fine &= same
        print(f"{name}: {len(pins(kept))} wheels {'fit' if same else 'DO NOT FIT'}")
    return fine


def pins(path: Path) -> set[str]:
    """name==version of each line."""
    return {line.split(" ")[0] for line in path.read_text("utf-8").splitlines() if "==" in line and line[0] not in " #"}


def wheelhouse(name: str, folder: Path, python: str) -> None:
    """All wheels of a platform, Fineray's own among them, checked by hash, with a script that installs them offline."""
    folder.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    shutil.copyfile(HERE / "locks" / f"{name}.txt", requirements)
    if not lock(name, requirements, python):
        sys.exit(1)
    wheels = folder / "wheels"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--require-hashes", "--requirement", str(requirements), "--dest", str(wheels)),
            *("--python-version", python, "--implementation", "cp"),
            *(part for tag in tags(name) for part in ("--platform", tag)),
        ],
        check=True,
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)],
        check=True,
    )
    script = (HERE / "wheelhouse" / ("install.bat" if name.startswith("windows") else "install.sh")).read_text("utf-8")
    target = folder / ("install.bat" if name.startswith("windows") else "install.sh")
    target.write_text(script, "utf-8")
    target.chmod(0o755)
    size = sum(path.stat().st_size for path in wheels.iterdir())
    print(f"{folder}: {len(list(wheels.iterdir()))} wheels, {size / 1e6:.0f} MB")


def tags(name: str) -> list[str]:
    """The wheel tags that the platform takes; pip wants each named."""
    if name == "linux-x86_64":
        return [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64", "linux_x86_64"]
    if name == "macos-arm64":
        return [*(f"macosx_{major}_0_{kind}" for major in range(14, 10, -1) for kind in ("arm64", "universal2")),
                "macosx_10_9_universal2", "macosx_10_13_universal2"]  # fmt: skip
    return ["win_amd64"]


if __name__ == "__main__":
    main()
