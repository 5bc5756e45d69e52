"""A run as an ONNX file that says how its input is prepared, checked against the original."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fineray.errors import FinerayError
from fineray.export.whole_network import (
    WholeNetwork,
    description,
    difference,
    probe,
)
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.runs import RunFolder
from fineray.system.output_file import check_output, whole_file
from fineray.training.model import trained_model

ENDING = ".onnx"
INPUT, OUTPUT = "images", "probabilities"
OPSET = 18
SAME = 1e-4  # largest difference that is let through


class ExportDiffers(FinerayError):
    """An exported model does not say what the original says."""


def export_onnx(folder: RunFolder, facts: dict[str, Any], output: Path, monitor: Monitor = SILENT) -> float:
    """Write the model, whole or not at all; the largest difference of a probability between onnxruntime and the
    original, on the pictures of the package's self-test and on noise.

    facts: fineray.package.contents.facts_of. Raises CannotWriteThere, ExportDiffers, Cancelled or a storage error.
    """
    import onnx
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # the trace of Windows heeds this call alone, see fineray.system.silence

    check_output(output, (ENDING,), "An ONNX model")
    monitor.report(Progress("Translating the network", 0, 0, ""))
    model = trained_model(folder)
    network = WholeNetwork(model).eval()
    example = torch.zeros(2, 1, model.input_size, model.input_size)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter speaks of its own future
        logging.getLogger("onnxscript").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
            (example,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes={"images": {0: torch.export.Dim("images")}},
            verbose=False,
        )
    assert program is not None
    monitor.check()
    with whole_file(output) as partial:
        program.save(str(partial), external_data=False)
        made = onnx.load(str(partial))
        known = description(facts)
        made.doc_string = known["use"]
        onnx.helper.set_model_props(
            made, {name: value if isinstance(value, str) else json.dumps(value) for name, value in known.items()}
        )
        onnx.checker.check_model(made)
        onnx.save(made, str(partial))
        session = onnxruntime.InferenceSession(str(partial), providers=["CPUExecutionProvider"])
        largest = 0.0
        noise = np.random.default_rng(0).random((3, 1, model.input_size, model.input_size), dtype=np.float32)
        for images in (model.inputs(probe()).cpu().numpy(), noise):
            found = session.run([OUTPUT], {INPUT: images})[0]
            expected = model.probabilities(torch.from_numpy(images).to(model.device))
            largest = max(largest, difference(found, expected))
        del session  # Windows does not rename a file that is open
        if not largest <= SAME:
            raise ExportDiffers(
                f"The ONNX model does not say what the run says (difference {largest:.1g})",
                where=str(output),
                todo="Export the run as a Fineray package instead, and report this with the version of torch.",
            )
    return largest
