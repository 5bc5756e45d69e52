"""The main job on real radiographs, timed in one run: `python -m tests.bench.bench_main_job [FOLDER]`.

FOLDER holds `labels.csv` and DICOM files; the default is ../shared/cxr beside the repository. Ratios are what counts:
machines and their moods differ, so what is compared runs in turns in the same process tree. With
FINERAY_DEVICE=cuda the features are computed on a GPU.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import pydicom

from fineray.backbones.catalogue import backbone
from fineray.dicom.scan import find_files
from fineray.progress import Monitor
from fineray.project.catalogue import labelled_images
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_table
from fineray.project.project import create_project, open_project
from fineray.project.splits import SplitPlan
from fineray.training.recipe import Recipe

ROUNDS = 3
DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "cxr"


def bare_loop(files: list[Path]) -> float:
    """Seconds of the loop that every tutorial begins with: pydicom, one process, pixels and nothing else."""
    started = time.perf_counter()
    for file in files:
        _ = pydicom.dcmread(file).pixel_array
    return time.perf_counter() - started


def main() -> None:
    """Print the figures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    files = [found.location.path for found in find_files([folder]) if found.location.path.suffix == ".dcm"]
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FINERAY_HOME"] = f"{scratch}/home"
        bare, ours = [], []
        for number in range(ROUNDS):
            bare.append(bare_loop(files))
            root = Path(scratch) / f"project-{number}"
            create_project(root)
            with open_project(root, lock=True) as project:
                started = time.perf_counter()
                import_folders(project, [folder])
                ours.append(time.perf_counter() - started)
        print(f"bare loop        {len(files) / min(bare):8.0f} images/s (best of {ROUNDS})")
        print(f"import           {len(files) / min(ours):8.0f} images/s (best of {ROUNDS})")
        ratios = sorted(one / other for one, other in zip(bare, ours, strict=True))
        print(f"import : bare    {ratios[len(ratios) // 2]:8.2f} (median of {', '.join(f'{r:.2f}' for r in ratios)})")
        # Not at the top: the decoding processes import this module too, and they should not pay for torch.
        from fineray.backbones.runtime import Runtime, best_device, device_title
        from fineray.project.splitting.make import make_split
        from fineray.training.features import features_of
        from fineray.training.train import train

        with open_project(root, lock=True) as project:
            started = time.perf_counter()
            unchanged = import_folders(project, [folder]).unchanged
            print(f"import again     {time.perf_counter() - started:8.2f} s for {unchanged} unchanged files")
            apply_labels(project, preview_table(project, folder / "labels.csv"))
            split = make_split(project, SplitPlan(folds=5, seed=0))
            device = best_device()
            runtime = Runtime(backbone("efficientnet_lite0"), device)
            images = labelled_images(project)
            started = time.perf_counter()
            features_of(project, images, backbone("efficientnet_lite0"), runtime, Monitor())
            seconds = time.perf_counter() - started
            print(f"features         {len(images) / seconds:8.0f} images/s on {device_title(device)}")
            metrics = train(project, split, Recipe()).metrics()
        print(f"five folds       {metrics.seconds['heads']:8.2f} s after features, final head included")
        area, accuracy = metrics.figures.auc, metrics.figures.accuracy
        print(f"AUC              {area.value:8.3f} ({area.low:.3f} to {area.high:.3f}), 5 folds by patient")
        print(f"accuracy         {accuracy.value:8.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})")


if __name__ == "__main__":
    main()
