"""A run as a MONAI Bundle, which MONAI's own command line verifies and runs.

https://docs.monai.io/en/stable/mb_specification.html
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fineray.export.onnx_model import SAME, ExportDiffers
from fineray.export.whole_network import (
    WholeNetwork,
    description,
    difference,
    probe,
)
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.runs import RunFolder
from fineray.system.output_file import CannotWriteThere
from fineray.training.model import trained_model

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
# The image on its black square, as fineray.training.preprocessing puts it there; MONAI's own resizing interpolates in
# another way, and the same image would get another score.
_RESIZED = "$lambda image: to_square(image, {side})"


def export_bundle(
    folder: RunFolder, facts: dict[str, Any], card: str, output: Path, monitor: Monitor = SILENT
) -> float:
    """Write the bundle as a new folder, whole or not at all; the largest difference of a probability between the
    scripted network and the original. Raises CannotWriteThere, ExportDiffers, Cancelled or OSError.
    """
    if output.exists():
        raise CannotWriteThere("A bundle needs a new folder", where=str(output), todo="Choose another name.")
    if not output.parent.is_dir():
        raise CannotWriteThere("The folder is not there", where=str(output.parent), todo="Make it, or choose another.")
    monitor.report(Progress("Translating the network", 0, 0, ""))
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".bundle-") as temporary:
        bundle = Path(temporary) / "bundle"
        for name in ("configs", "models", "docs", "scripts"):
            (bundle / name).mkdir(parents=True)
        largest = _script(folder, bundle / "models" / "model.ts")
        monitor.check()
        known = description(facts)
        _write(bundle / "configs" / "metadata.json", _metadata(facts, known))
        _write(bundle / "configs" / "inference.json", _inference(facts))
        (bundle / "scripts" / "__init__.py").write_text(_SQUARE, "utf-8")
        (bundle / "docs" / "README.md").write_text(f"{card}\n{_how_to_run(known)}", "utf-8")
        shutil.copytree(bundle, output)
    return largest


def _script(folder: RunFolder, path: Path) -> float:
    model = trained_model(folder)
    network = WholeNetwork(model).eval()
    images = model.inputs(probe()).cpu()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch.jit's future, and of constants in the trace
        scripted = torch.jit.trace(network, images[:1])  # type: ignore[no-untyped-call]
        written = io.BytesIO()
        torch.jit.save(scripted, written)
        path.write_bytes(written.getvalue())  # torch itself would not say that the disk is full
        found = torch.jit.load(str(path))(images).double().numpy()  # type: ignore[no-untyped-call]
    largest = difference(found, model.probabilities(images.to(model.device)))
    if not largest <= SAME:
        raise ExportDiffers(
            f"The scripted network does not say what the run says (difference {largest:.1g})",
            where=str(path),
            todo="Export the run as a Fineray package instead, and report this with the version of torch.",
        )
    return largest


def _metadata(facts: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    side, classes = facts["preprocessing"]["input_size"], facts["classes"]
    return {
        "schema": SCHEMA,
        "version": "1.0.0",
        "changelog": {"1.0.0": f"exported by {known['made_by']}"},
        "monai_version": version("monai"),
        "pytorch_version": torch.__version__.split("+")[0],
        "numpy_version": np.__version__,
        "required_packages_version": {"pillow": version("pillow"), "pytorch-ignite": "0.5.1"},
        "task": f"Classification of X-ray images: {', '.join(classes)}",
        "description": f"{known['use']} {facts['backbone']['title']}, transferred to X-ray images.",
        "authors": "The users of Fineray who trained it",
        "copyright": f"The weights of the backbone are under {facts['backbone']['licence']}",
        "intended_use": known["use"],
        "preparation": known["preparation"],
        "point": known["point"],
        "eval_metrics": {"auc": facts["auc"]["value"]},
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image",
                    "format": "magnitude",
                    "modality": "X-ray",
                    "num_channels": 1,
                    "spatial_shape": [side, side],
                    "dtype": "float32",
                    "value_range": [0, 1],
                    "is_patch_data": False,
                    "channel_def": {"0": "shade, 0 black"},
                }
            },
            "outputs": {
                "pred": {
                    "type": "probabilities",
                    "format": "classification",
                    "num_channels": len(classes),
                    "spatial_shape": [1],
                    "dtype": "float32",
                    "value_range": [0, 1],
                    "is_patch_data": False,
                    "channel_def": {str(number): name for number, name in enumerate(classes)},
                }
            },
        },
    }


def _inference(facts: dict[str, Any]) -> dict[str, Any]:
    side = facts["preprocessing"]["input_size"]
    return {
        "imports": ["$import glob", "$import torch", "$from scripts import to_square"],
        "bundle_root": ".",
        "dataset_dir": "images",
        "output_dir": "$@bundle_root + '/eval'",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "datalist": "$sorted(glob.glob(@dataset_dir + '/*.png'))",
        "network_def": "$torch.jit.load(@bundle_root + '/models/model.ts', map_location=@device)",
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {
                    "_target_": "LoadImaged",
                    "keys": "image",
                    "reader": "PILReader",
                    "reverse_indexing": False,
                    "converter": "$lambda picture: picture.convert('L')",
                },
                {"_target_": "Lambdad", "keys": "image", "func": _RESIZED.format(side=side)},
            ],
        },
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': name} for name in @datalist]",
            "transform": "@preprocessing",
        },
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 8, "num_workers": 0},
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": {"_target_": "Compose", "transforms": [{"_target_": "ToTensord", "keys": "pred"}]},
        "handlers": [
            {
                "_target_": "ClassificationSaver",
                "output_dir": "@output_dir",
                "filename": "predictions.csv",
                "batch_transform": "$lambda batch: [each['image'].meta for each in batch]",
                "output_transform": "$lambda output: [each['pred'] for each in output]",
            }
        ],
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
            "val_handlers": "@handlers",
        },
        "run": ["$@evaluator.run()"],
    }


_SQUARE = '''"""The image on its black square, resized as the network's training resized it."""

import numpy as np
import torch
from monai.data import MetaTensor
from PIL import Image


def to_square(image, side):
    """[rows, columns] shades in 0..255 -> [1, side, side] in 0..1, aspect kept, black border."""
    shades = Image.fromarray(np.asarray(image).squeeze().astype(np.uint8))
    columns, rows = shades.size
    scale = side / max(rows, columns)
    height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    square = np.zeros((side, side), dtype=np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = shades.resize((width, height), Image.Resampling.BICUBIC)
    return MetaTensor(torch.from_numpy(square[None] / 255), meta=getattr(image, "meta", None))
'''


def _how_to_run(known: dict[str, Any]) -> str:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(known["preparation"][:4], start=1))
    return f"""
## Running it with MONAI

Needs monai, fire, pytorch-ignite and pillow. Inside this folder:

```sh
python -m monai.bundle run --config_file configs/inference.json --meta_file configs/metadata.json \\
  --bundle_root . --dataset_dir IMAGES --output_dir OUT
```

IMAGES holds 8-bit gray PNG pictures, made from DICOM files like this:

{steps}

The rest happens in the bundle. OUT/predictions.csv has an image a line, then its probability for each of:
{", ".join(known["classes"])}.

`python -m monai.bundle verify_net_in_out --net_id network --config_file configs/inference.json \\
  --meta_file configs/metadata.json` checks what goes in and out.
"""


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2), "utf-8")
