"""Transfer learning beside what a user would write: `python -m tests.bench.bench_transfer [FOLDER] [--only NAME ...]`.

The same images, folds by patient, backbone and machine; each method in a process of its own, so that its peak memory is
its own. FOLDER holds `labels.csv` and DICOM files; the default is ../shared/cxr beside the repository. Methods:

tutorial    the well-known loop: decode, resize, frozen backbone, forward every epoch, SGD on the last layer, 25 epochs.
            One epoch of one fold is timed and multiplied by 25 and by the folds. The AUC is that of all 25 epochs: the
            backbone is in inference mode and nothing is augmented, so that each epoch sees the same features, which are
            kept for this.
fastai      vision_learner and fine_tune(4) with the same backbone and fastai's augmentation, where it is installed.
scratch     Fineray from random weights, as many epochs as fastai.
frozen      Fineray, the last layer.
finetune    Fineray, the last layer and then later stages.

`--curve` trains frozen and from scratch on 50, 100, 200 and 400 images and writes docs/images/learning-curve.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT.parent / "shared" / "cxr"
METHODS = ("tutorial", "fastai", "scratch", "frozen", "finetune")
FOLDS, EPOCHS, TUTORIAL_EPOCHS, BATCH = 5, 4, 25, 16
SIZES = (50, 100, 200, 400)  # training images of the learning curve


def main() -> None:
    """Prepare one project, run each method on it in its own process, print the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path, nargs="?", default=DEFAULT)
    asked.add_argument("--only", nargs="+", choices=METHODS, default=METHODS)
    asked.add_argument("--curve", action="store_true")
    asked.add_argument("--finetune", default="{}", help="JSON of changes to the recipe's tuning")
    asked.add_argument("--input-size", type=int, default=0, help="input of Fineray's rows")
    asked.add_argument("--run", choices=METHODS, help=argparse.SUPPRESS)
    asked.add_argument("--project", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.run:
        print(json.dumps(_measured(options)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FINERAY_HOME"] = f"{scratch}/home"
        project = Path(scratch) / "project"
        _prepare(project, options.folder)
        if options.curve:
            _curve(project)
            return
        print(f"{'method':10} {'seconds':>9} {'AUC (95 %)':>26} {'peak memory':>12}   note")
        for method in options.only:
            command = [sys.executable, "-m", "tests.bench.bench_transfer", str(options.folder), "--run", method]
            command += [
                "--project",
                str(project),
                "--finetune",
                options.finetune,
                "--input-size",
                str(options.input_size),
            ]
            done = subprocess.run(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                print(f"{method:10} failed: {done.stderr.strip().splitlines()[-1]}")
                continue
            row = json.loads(done.stdout.strip().splitlines()[-1])
            area = "{value:.3f} ({low:.3f} to {high:.3f})".format(**row["auc"]) if row["auc"] else "not run"
            print(
                f"{method:10} {row['seconds']:9.0f} {area:>26} {row['memory_mb']:9.0f} MB   {row['note']}", flush=True
            )


def _prepare(root: Path, folder: Path) -> None:
    from fineray.project.files.importing import import_folders
    from fineray.project.labels.preview import apply_labels, preview_table
    from fineray.project.project import create_project, open_project
    from fineray.project.splits import SplitPlan
    from fineray.project.splitting.make import make_split

    create_project(root)
    with open_project(root, lock=True) as project:
        import_folders(project, [folder])
        apply_labels(project, preview_table(project, folder / "labels.csv"))
        make_split(project, SplitPlan(folds=FOLDS, seed=0))


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    method: Callable[[argparse.Namespace], dict[str, Any]] = globals()[f"_{options.run}"]
    found = method(options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**found, "memory_mb": peak / (1024 if sys.platform != "darwin" else 1 << 20)}


class _Study:
    """What the methods that a user would write need: files, labels, groups, folds."""

    def __init__(self, root: Path) -> None:
        from fineray.project.catalogue import labelled_images, source_of
        from fineray.project.project import open_project
        from fineray.project.splits import groups, latest_split, parts

        with open_project(root) as project:
            split = latest_split(project)
            assert split is not None
            images, part_of, group_of = labelled_images(project), parts(project, split), groups(project, split)
            self.files = [source_of(project, image.id)[0].path for image in images]  # type: ignore[index]
        classes = sorted({image.label for image in images})
        self.labels = np.array([classes.index(image.label) for image in images])
        self.folds = np.array([int(part_of[image.id]) for image in images])
        self.groups = np.array([group_of[image.id] for image in images])

    def picture(self, row: int) -> Any:
        """An image as a tutorial decodes it: pydicom, polarity, 8 bits, Pillow."""
        import pydicom
        from PIL import Image

        data = pydicom.dcmread(self.files[row])
        pixels = data.pixel_array.astype(np.float32)
        pixels = (pixels - pixels.min()) / max(1.0, float(np.ptp(pixels))) * 255
        if data.PhotometricInterpretation == "MONOCHROME1":
            pixels = 255 - pixels
        return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")

    def auc(self, scores: np.ndarray) -> dict[str, float | None]:
        """Out of fold, with its interval by patient."""
        from fineray.evaluation.roc_area import auc

        area = auc(scores, self.labels == 1, self.groups)
        return {"value": area.value, "low": area.low, "high": area.high}


def _colour_network() -> Any:
    """EfficientNet-Lite0 with its real ImageNet weights, as a user would load it."""
    from fineray.backbones.catalogue import backbone
    from fineray.backbones.surgery import architecture
    from fineray.backbones.weights import load_weights, with_names_of

    chosen = backbone("efficientnet_lite0")
    model = architecture(chosen)
    state, _ = load_weights(chosen)
    model.load_state_dict(with_names_of(model, chosen, state))
    return model


def _tutorial(options: argparse.Namespace) -> dict[str, Any]:
    import torch
    from torchvision import transforms

    study, model = _Study(options.project), _colour_network()
    model.classifier = torch.nn.Identity()
    model.eval().requires_grad_(False)
    look = transforms.Compose(
        [transforms.Resize((224, 224)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
    )

    class Images(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __init__(self, rows: np.ndarray) -> None:
            self.rows = rows

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
            row = int(self.rows[number])
            return look(study.picture(row)), int(study.labels[row])

    def forward(rows: np.ndarray) -> torch.Tensor:
        loader = torch.utils.data.DataLoader(Images(rows), batch_size=BATCH, num_workers=2)
        with torch.no_grad():
            return torch.cat([model(inputs) for inputs, _ in loader])

    def learn(features: torch.Tensor, labels: torch.Tensor, epochs: int) -> torch.nn.Linear:
        torch.manual_seed(0)
        last = torch.nn.Linear(features.shape[1], 2)
        optimiser = torch.optim.SGD(last.parameters(), lr=0.001, momentum=0.9)
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
        for _ in range(epochs):
            for rows in torch.randperm(len(features)).split(BATCH):
                optimiser.zero_grad()
                torch.nn.functional.cross_entropy(last(features[rows]), labels[rows]).backward()
                optimiser.step()
            schedule.step()
        return last

    started = time.perf_counter()
    kept = forward(np.arange(len(study.labels)))  # both phases of an epoch together see every image once
    learn(kept, torch.from_numpy(study.labels), 1)
    epoch = time.perf_counter() - started
    scores = np.zeros(len(study.labels))
    for fold in range(1, FOLDS + 1):
        held = study.folds == fold
        last = learn(kept[~held], torch.from_numpy(study.labels[~held]), TUTORIAL_EPOCHS)
        scores[held] = torch.softmax(last(kept[held]), dim=1)[:, 1].detach().numpy()
    note = f"{epoch:.0f} s an epoch, measured once and multiplied by {TUTORIAL_EPOCHS} epochs and {FOLDS} folds"
    return {"seconds": epoch * TUTORIAL_EPOCHS * FOLDS, "auc": study.auc(scores), "note": note}


def _fastai(options: argparse.Namespace) -> dict[str, Any]:
    try:
        import fastai
        from fastai.vision import all as vision
    except ImportError:
        return {"seconds": 0, "auc": None, "note": "fastai is not installed"}
    import torch

    study = _Study(options.project)
    scores = np.zeros(len(study.labels))
    started = time.perf_counter()
    for fold in range(1, FOLDS + 1):
        held = study.folds == fold
        block = vision.DataBlock(
            blocks=(vision.ImageBlock, vision.CategoryBlock),
            get_x=lambda row: vision.PILImage(study.picture(row)),
            get_y=lambda row: int(study.labels[row]),
            splitter=vision.IndexSplitter(np.flatnonzero(held).tolist()),
            item_tfms=vision.Resize(224, method="squish"),
            batch_tfms=[*vision.aug_transforms(), vision.Normalize.from_stats([0.5] * 3, [0.5] * 3)],
        )
        torch.manual_seed(0)
        loaders = block.dataloaders(list(range(len(study.labels))), bs=BATCH, num_workers=2)
        learner = vision.vision_learner(loaders, "tf_efficientnet_lite0", pretrained=False, normalize=False)
        body = learner.model[0].model
        state = {name: tensor for name, tensor in _colour_network().state_dict().items() if name in body.state_dict()}
        body.load_state_dict(state)
        learner.freeze()
        with learner.no_bar(), learner.no_logging():
            learner.fine_tune(EPOCHS)
        chances, _ = learner.get_preds(dl=loaders.valid)
        scores[held] = chances[:, 1].numpy()
    note = f"fastai {fastai.__version__}, vision_learner and fine_tune({EPOCHS}), {FOLDS} folds"
    return {"seconds": time.perf_counter() - started, "auc": study.auc(scores), "note": note}


def _scratch(options: argparse.Namespace) -> dict[str, Any]:
    return _fineray(options, "scratch", {"epochs": EPOCHS})


def _frozen(options: argparse.Namespace) -> dict[str, Any]:
    return _fineray(options, "frozen", {})


def _finetune(options: argparse.Namespace) -> dict[str, Any]:
    return _fineray(options, "finetune", json.loads(options.finetune))


def _fineray(options: argparse.Namespace, mode: Any, changes: dict[str, Any]) -> dict[str, Any]:
    from dataclasses import replace

    from fineray.project.project import open_project
    from fineray.project.splits import latest_split
    from fineray.training.recipe import for_mode
    from fineray.training.train import train

    recipe = replace(for_mode(mode), input_size=0 if mode == "scratch" else options.input_size)
    recipe = replace(recipe, tuning=replace(recipe.tuning, **changes))
    started = time.perf_counter()
    with open_project(options.project) as project:
        split = latest_split(project)
        assert split is not None
        metrics = train(project, split, recipe).metrics()
    tuning = recipe.tuning
    note = f"{FOLDS} folds and the final model, {recipe.input_size or 224} pixels"
    if mode != "frozen":
        note += f", {tuning.epochs} epochs, {tuning.frozen_stages} stages frozen"
    return {"seconds": time.perf_counter() - started, "auc": asdict(metrics.figures.auc), "note": note}


def _curve(root: Path) -> None:
    """AUC on the images of the first fold, learned from ever more images of the others; one line a size and mode."""
    from dataclasses import replace

    from fineray.progress import Monitor
    from fineray.project.project import open_project
    from fineray.project.splits import latest_split
    from fineray.training.dataset import load_training_input
    from fineray.training.learners import TrainingProgress, learner_for
    from fineray.training.recipe import for_mode

    modes = (("frozen", {}), ("finetune", {"epochs": 3}), ("scratch", {"epochs": 8}))
    points: dict[str, list[tuple[int, dict[str, float | None]]]] = {name: [] for name, _ in modes}
    study = _Study(root)
    with open_project(root) as project:
        split = latest_split(project)
        assert split is not None
        for name, changes in modes:
            recipe = for_mode(name)  # type: ignore[arg-type]
            recipe = replace(recipe, tuning=replace(recipe.tuning, **changes))
            prepared = load_training_input(project, split, recipe, Monitor())
            data, held = prepared.data, prepared.data.parts == "1"
            order = np.random.default_rng(0).permutation(np.flatnonzero(~held))
            work = TrainingProgress(Monitor(), 4)
            with learner_for(project, prepared.backbone, prepared.device, data, recipe, work) as learner:
                for images in SIZES:
                    rows = np.zeros(len(held), dtype=bool)
                    rows[order[:images]] = True
                    chances = learner.fit(rows, 1).probabilities(held)[:, 1]
                    area = _on(study, held, chances)
                    points[name].append((images, area))
                    shown = "{value:.3f} ({low:.3f} to {high:.3f})".format(**area)
                    print(f"{name:10} {images:4} images  AUC {shown}", flush=True)
    _draw(points)


def _on(study: _Study, rows: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    from fineray.evaluation.roc_area import auc

    area = auc(scores, study.labels[rows] == 1, study.groups[rows])
    return {"value": area.value, "low": area.low, "high": area.high}


def _draw(points: dict[str, list[tuple[int, dict[str, Any]]]]) -> None:
    """A line and a band a mode."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "fineray"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4))
    names = {"frozen": "frozen backbone", "finetune": "fine-tuned", "scratch": "from scratch"}
    for colour, (name, line) in zip(("#0072b2", "#009e73", "#d55e00"), points.items(), strict=True):
        images = [number for number, _ in line]
        axes.plot(images, [area["value"] for _, area in line], "o-", color=colour, label=names[name])
        bounds = [[area[bound] for _, area in line] for bound in ("low", "high")]
        axes.fill_between(images, *bounds, color=colour, alpha=0.12, linewidth=0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.set_xlabel("Training images")
    axes.set_ylabel("AUC on the first fold, 95 % intervals")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    target = ROOT / "docs" / "images" / "learning-curve.svg"
    figure.savefig(target, metadata={"Date": None})
    print(f"written to {target}")


if __name__ == "__main__":
    main()
