#!/usr/bin/env python3
"""Fineray's whole way of work by its commands, each in a process of its own, on a synthetic study.

    installer/way_of_work.py images FOLDER            writes the images; by a Python that has Fineray
    installer/way_of_work.py go FOLDER PROGRAM...    runs every command of PROGRAM, whose working folder FOLDER is

Each command has to end as it should and to leave what it should; the others are tried all the same. Exits with 1 where
one did not.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# Over 200 images that are not sealed: from there on OpenVINO runs the backbone, where it is installed.
PATIENTS, NEW_PATIENTS = 126, 10
POSITIVE = "opacity (synthetic)"
RESNET = "resnet10t.pth"
TUNED = (
    "--mode",
    "finetune",
    "--frozen-stages",
    "8",
    "--epochs",
    "1",
    "--batch",
    "32",
    "--views",
    "1",
    "--test-views",
    "1",
)


@dataclass(frozen=True)
class Step:
    """Words of a command, the files that it makes, and, where it has to fail, what it has to say."""

    words: tuple[str, ...]
    makes: tuple[str, ...] = ()
    fails: str = ""


def step(text: str, *words: str, makes: str = "", fails: str = "") -> Step:
    return Step((*text.split(), *words), tuple(makes.split()), fails)


STEPS = (
    step("doctor"),
    step("new study"),
    step("import study images --labels images/labels.csv"),
    step("doctor study"),
    step("side study 1024"),
    step("patients study"),
    step("patients study id --same-number nothing"),
    step("import study images --layout guess", fails="no published collection"),
    step("labels study --to labels.xlsx --with-files", makes="labels.xlsx"),
    step("labels study --new second --classes", f"clear (synthetic),{POSITIVE}"),
    step("labels study --from labels.xlsx --column label --set second"),
    step("labels study --compare label second"),
    step("seal study --test-share 0.1"),
    step("split study --folds 2 --to split.csv", makes="split.csv"),
    step("split study --from split.csv"),
    step("train study", makes="study/runs/run-001/metrics.json"),
    step("check study"),
    step("train study --find-rate", *TUNED, makes="study/runs/run-002/network.safetensors"),
    step("search study --minutes 0.1", makes="study/runs/run-003/metrics.json"),
    step(f"weights add {RESNET} --backbone timm:resnet10t --title Photographs --source-task", "ImageNet-1k"),
    step("weights list"),
    step("rank study"),
    step("repeat study run-001"),
    step("evaluate study run-001 --interval clopper-pearson --positive", POSITIVE),
    step("compare study run-001 run-002"),
    step("report study run-001 --thumbnails --parts parts --output report.pdf", makes="report.pdf parts/roc.svg"),
    step("report study run-002 --output report.html", makes="report.html"),
    step("freeze study run-001 --sensitivity 0.9 --positive", POSITIVE),
    step("open-test study run-001"),
    step("predict study run-001 new --output table.csv --maps maps --dicom results", makes="table.csv maps results"),
    step("predict study run-002 new --output table.xlsx --abstain 0.4 0.6", makes="table.xlsx"),
    step("signing-key key.pem", makes="key.pem"),
    step("export study run-001 --format frpkg --sign key.pem --output model.frpkg", makes="model.frpkg"),
    step("export study run-001 --format capsule --output capsule.frpkg", makes="capsule.frpkg"),
    step("export study run-001 --format onnx --output model.onnx", makes="model.onnx"),
    step("export study run-002 --format onnx --output tuned.onnx", makes="tuned.onnx"),
    step("export study run-001 --format monai-bundle --output bundle", makes="bundle/configs/metadata.json"),
    step("open model.frpkg --to elsewhere", makes="elsewhere/catalogue.sqlite"),
    step("validate study run-001 --images new --labels new/labels.csv --to judged", makes="judged/catalogue.sqlite"),
    step("import elsewhere new --labels new/labels.csv"),
    step("validate elsewhere run-001 --statistics back.json", makes="back.json"),
    step("verify back.json"),
    step("verify capsule.frpkg"),
    step("verify study run-001"),
    step("deidentify study clean --key who.key", makes="clean who.key"),
    step("reidentify who.key"),
    step("controls study run-002"),
    step("pacs on"),
    step("pacs add away --host 127.0.0.1 --port 9 --ae-title AWAY"),
    step("pacs add web --url http://127.0.0.1:9/dicom-web"),
    step("pacs echo away", fails="127.0.0.1:9"),
    step("pacs find web --patient 1", fails="127.0.0.1:9"),
    step("pacs fetch away 1.2.3 --output fetched", fails="127.0.0.1:9"),
    step("pacs send away results", fails="127.0.0.1:9"),
    step("pacs list"),
    step("pacs off"),
    step("pacs receive received", fails="switched off"),  # switched on it would listen until it is interrupted
)
# installer/check makes the demo before.
NOT_HERE = {"demo"}


def images(folder: Path) -> None:
    """A study, the images of its last patients apart as `new`, and the weights of a small CNN of timm, drawn by lot."""
    import timm
    import torch

    from fineray.demo.study import write_study

    labels = write_study(folder / "images", patients=PATIENTS)
    title, *rows = labels.read_text("utf-8").splitlines(keepends=True)
    for patient in range(PATIENTS - NEW_PATIENTS + 1, PATIENTS + 1):
        name = f"SYNTHETIC-{patient:03d}"
        (folder / "new").mkdir(exist_ok=True)
        (folder / "images" / name).rename(folder / "new" / name)
    known = [row for row in rows if (folder / "images" / row.partition(",")[0]).exists()]
    labels.write_text("".join([title, *known]), "utf-8")
    (folder / "new" / "labels.csv").write_text("".join([title, *(row for row in rows if row not in known)]), "utf-8")
    torch.manual_seed(0)
    torch.save(timm.create_model("resnet10t", pretrained=False).state_dict(), folder / RESNET)


def go(folder: Path, program: list[str]) -> bool:
    """Whether every step went well; tells of each on standard output."""
    environment = {**os.environ, "FINERAY_PASSPHRASE": "way of work"}
    fine = True
    for each in STEPS:
        started = time.monotonic()
        done = subprocess.run(
            [*program, *each.words], capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
        problem = trouble(each, folder, done)
        print(
            f"{time.monotonic() - started:6.1f} s  {'fine  ' if not problem else 'FAILED'} {' '.join(each.words)}",
            flush=True,
        )
        if problem:
            fine = False
            print(f"          {problem}", flush=True)
    return fine


def trouble(each: Step, folder: Path, done: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with how a step ended; empty where nothing is."""
    said = done.stderr.strip()
    if "fault of its own" in said or "Traceback" in said:
        return said[-1500:]
    if each.fails:
        return "" if done.returncode == 1 and each.fails in said else f"should have failed, naming {each.fails}: {said}"
    if done.returncode:
        return said[-1500:] or f"exit status {done.returncode}"
    missing = [name for name in each.makes if not (folder / name).exists()]
    return f"did not make {', '.join(missing)}" if missing else ""


if __name__ == "__main__":
    way, place, *words = sys.argv[1:]
    if way == "images":
        images(Path(place))
    elif not go(Path(place), words):
        sys.exit(1)
