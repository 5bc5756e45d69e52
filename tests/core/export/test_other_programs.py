"""The same run in other programs: ONNX by onnxruntime, a bundle by MONAI's own command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image

from fineray.export import monai_bundle
from fineray.export.monai_bundle import export_bundle
from fineray.export.onnx_model import ExportDiffers, export_onnx
from fineray.export.whole_network import WholeNetwork
from fineray.package.contents import facts_of
from fineray.progress import Cancelled, Monitor
from fineray.project.catalogue import labelled_images
from fineray.project.project import open_project
from fineray.project.runs import RunFolder, run
from fineray.system.output_file import CannotWriteThere
from fineray.training.model import trained_model
from fineray.training.preprocessing import to_input

pytestmark = pytest.mark.slow


def run_and_images(study: Path, name: str) -> tuple[RunFolder, list[NDArray[np.uint8]], NDArray[np.float64]]:
    """(the run, its images as stored, what it says of them)."""
    with open_project(study) as project:
        folder, images = run(project, name), labelled_images(project)
        return (
            folder,
            [project.pixels.read(image.stored_at) for image in images],
            trained_model(folder).predict(project, images, Monitor()),
        )


@pytest.mark.parametrize("name", ["run-001", "run-002"])
def test_onnxruntime_says_the_same(trained: Path, tmp_path: Path, name: str) -> None:
    folder, images, expected = run_and_images(trained, name)
    facts = facts_of(folder)
    assert export_onnx(folder, facts, tmp_path / "m.onnx", Monitor()) <= 1e-4
    model = onnx.load(str(tmp_path / "m.onnx"))
    told = {each.key: each.value for each in model.metadata_props}
    assert json.loads(told["classes"]) == ["bright", "dark"] and "research use only" in told["use"].lower()
    assert len(json.loads(told["preparation"])) == 6
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[-1]
    for batch in (1, 7):  # any number of images
        inputs = np.stack([to_input(image, side) for image in images[:batch]])[:, None].astype(np.float32) / 255
        found = session.run(None, {"images": inputs})[0]
        assert np.abs(found - expected[:batch]).max() <= 1e-4


def test_an_onnx_model_that_differs_is_not_kept(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, _ = run_and_images(trained, "run-001")
    facts = facts_of(folder)
    right = WholeNetwork.logits
    monkeypatch.setattr(WholeNetwork, "logits", lambda self, images: right(self, images) * 1.01)
    with pytest.raises(ExportDiffers):
        export_onnx(folder, facts, tmp_path / "m.onnx", Monitor())
    with pytest.raises(ExportDiffers):
        export_bundle(folder, facts, "", tmp_path / "bundle", Monitor())
    with pytest.raises(CannotWriteThere):
        export_onnx(folder, facts, tmp_path / "m.pth", Monitor())
    assert [path.name for path in tmp_path.iterdir()] == ["trained"]


def test_a_bundle_is_written_whole_or_not_at_all(trained: Path, tmp_path: Path) -> None:
    folder, _, _ = run_and_images(trained, "run-001")

    class Stop(Monitor):
        def check(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        export_bundle(folder, facts_of(folder), "", tmp_path / "bundle", Stop())
    (tmp_path / "taken").mkdir()
    for target in (tmp_path / "taken", tmp_path / "no" / "bundle"):
        with pytest.raises(CannotWriteThere):
            export_bundle(folder, facts_of(folder), "", target, Monitor())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken", "trained"]


# What MONAI's specification of bundles asks of metadata.json. The published schema lies on the net, which tests do not
# use; MONAI takes a file that is there already instead.
SCHEMA = {
    "type": "object",
    "required": [
        *("schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version"),
        *("task", "description", "authors", "copyright", "network_data_format"),
    ],
    "properties": {
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "changelog": {"type": "object"},
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "additionalProperties": {
                "additionalProperties": {
                    "type": "object",
                    "required": ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range"],
                }
            },
        },
    },
}


@pytest.mark.parametrize("name", ["run-001", "run-002"])
def test_monai_verifies_and_runs_the_bundle(trained: Path, tmp_path: Path, name: str) -> None:
    folder, images, expected = run_and_images(trained, name)
    bundle = tmp_path / "bundle"
    assert export_bundle(folder, facts_of(folder), "# Card", bundle, Monitor()) <= 1e-4
    (tmp_path / "images").mkdir()
    for number, image in enumerate(images[:6]):
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    configs = ["--config_file", "configs/inference.json", "--meta_file", "configs/metadata.json"]

    def monai(*words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "monai.bundle", *words], cwd=bundle, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]

    monai("verify_metadata", "--meta_file", "configs/metadata.json", "--filepath", str(tmp_path / "schema.json"))
    monai("verify_net_in_out", "--net_id", "network", *configs)
    monai("run", *configs, "--bundle_root", ".", "--dataset_dir", str(tmp_path / "images"), "--output_dir", "out")
    with (bundle / "out" / "predictions.csv").open() as file:
        rows = {Path(row[0]).stem: [float(cell) for cell in row[1:]] for row in csv.reader(file)}
    found = np.array([rows[str(number)] for number in range(6)])
    assert np.abs(found - expected[:6]).max() <= 1e-4
    readme = (bundle / "docs" / "README.md").read_text("utf-8")
    assert "monai.bundle run" in readme and "# Card" in readme
    assert trained_model(folder).classes == ("bright", "dark") and monai_bundle.SCHEMA.startswith("https://")
