"""Films of the size that detectors give, in every encoding: import against the bare loop, with peak memory.

Made up after RG1 and RG3 of the JPEG 2000 committee's radiographs: smooth anatomy, letters, quantum noise in the lower
bits. Called by `python -m tests.bench.bench_import --full-size [FILES]`. Where others use the machine too, processor
time is what counts: its ratio is that of two cores which nobody else needs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate

from fineray.dicom.location import FileLocation
from fineray.dicom.read import read_radiographs
from fineray.dicom.shades import shades_8bit
from fineray.project.files.importing import import_folders
from fineray.project.files.options import EVERY_XRAY
from fineray.project.files.preparation import shrink, store_file
from fineray.project.pixel_store import ShardWriter
from fineray.project.project import create_project, open_project
from tests.bench.bench_main_job import bare_loop
from tests.support.film import film
from tests.support.images import image

SIZES = ((2500, 2048), (3500, 4200))  # rows, columns
BITS = (12, 14)
SIDE = 512  # stored


class Peak(Protocol):
    """What PeakMemory is once it has been left."""

    peak: float


Encode = Callable[[NDArray[np.uint16], int], bytes]  # stored values and their bits
Memory = Callable[[], AbstractContextManager[Peak]]


def _j2k(values: NDArray[np.uint16], bits: int, level: int = 0) -> bytes:
    lossless = level == 0
    encode = imagecodecs.jpeg2k_encode
    return bytes(encode(values, level=level, codecformat="j2k", bitspersample=bits, reversible=lossless, numthreads=2))


ENCODINGS: dict[uid.UID, Encode | None] = {
    uid.ExplicitVRLittleEndian: None,
    uid.RLELossless: None,
    uid.JPEGLSLossless: lambda values, bits: imagecodecs.jpegls_encode(values),
    uid.JPEGLSNearLossless: lambda values, bits: imagecodecs.jpegls_encode(values, level=3),
    uid.JPEGLosslessSV1: lambda values, bits: imagecodecs.ljpeg_encode(values, bitspersample=bits),
    uid.JPEG2000Lossless: _j2k,
    uid.JPEG2000: lambda values, bits: _j2k(values, bits, level=60),
    uid.HTJ2KLossless: lambda values, bits: imagecodecs.htj2k_encode(values),
    uid.JPEGBaseline8Bit: lambda values, bits: imagecodecs.jpeg8_encode(values.astype(np.uint8), level=92),
    uid.JPEGExtended12Bit: lambda values, bits: imagecodecs.jpeg_encode(values, level=92, bitspersample=12),
}
OWN_DEPTH = {uid.JPEGBaseline8Bit: 8, uid.JPEGExtended12Bit: 12}


def full_film(rows: int, columns: int, bits: int, seed: int) -> NDArray[np.uint16]:
    """[rows, columns], smooth with letters, noise of about a hundredth of the range."""
    small = Image.fromarray(film(16, 200).astype(np.float32))
    smooth = np.asarray(small.resize((columns, rows), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(seed).normal(0, 0.008 * 65_535, (rows, columns)).astype(np.float32)
    return (np.clip(smooth + noise, 0, 65_535).astype(np.uint16) >> (16 - bits)).astype(np.uint16)


def write_films(folder: Path, syntax: uid.UID, rows: int, columns: int, bits: int, count: int) -> int:
    """Write `count` files of one film under names of their own; the bits that are stored."""
    stored = OWN_DEPTH.get(syntax, bits)
    pixels = full_film(rows, columns, stored, seed=bits)
    ds = image(pixels, bits=stored, WindowCenter=2.0 ** (stored - 1), WindowWidth=2.0**stored)
    encode = ENCODINGS[syntax]
    if encode is not None:
        ds.PixelData = encapsulate([encode(pixels, stored)])
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = syntax
    elif syntax.is_encapsulated:
        ds.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    folder.mkdir(parents=True)
    for number in range(count):
        ds.SOPInstanceUID, ds.PatientID = uid.generate_uid(), f"P{number}"
        ds.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return stored


def full_size(count: int, memory: Memory, sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
    """Print a line for each size, depth and encoding."""
    _start_processes()
    print(f"{'':58} {'ms a film, wall':^22} {'ms of processor time':^22}   peak  shades")
    print(
        f"{'rows x columns, bits, encoding':58}"
        + 2 * f" {'bare':>7} {'import':>7} {'ratio':>6}"
        + f" {'MB':>6} {'off':>6}"
    )
    for rows, columns in sizes:
        for bits in BITS:
            for syntax in ENCODINGS:
                if syntax in OWN_DEPTH and bits != BITS[0]:
                    continue
                _measured(syntax, rows, columns, bits, count, memory)


def _start_processes() -> None:
    """The server that decoding processes are forked from takes a second to come up, once a session."""
    with tempfile.TemporaryDirectory() as scratch:
        write_films(Path(scratch) / "films", uid.ExplicitVRLittleEndian, 64, 64, 12, 4)
        create_project(Path(scratch) / "project")
        with open_project(Path(scratch) / "project", lock=True) as project:
            import_folders(project, [Path(scratch) / "films"])


def _measured(syntax: uid.UID, rows: int, columns: int, bits: int, count: int, memory: Memory) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, root = Path(scratch) / "films", Path(scratch) / "project"
        stored = write_films(folder, syntax, rows, columns, bits, count)
        files = sorted(folder.iterdir())
        busy = time.process_time()
        bare = bare_loop(files) / count
        bare_busy = (time.process_time() - busy) / count
        create_project(root)
        with open_project(root, lock=True) as project, memory() as peak:
            started = time.perf_counter()
            imported = import_folders(project, [folder]).imported
            ours = (time.perf_counter() - started) / imported
        busy = time.process_time()
        for file in files:
            store_file(FileLocation(file), EVERY_XRAY, SIDE, ShardWriter(Path(scratch), 1, 0, 1))
        ours_busy = (time.process_time() - busy) / count
        off = _shades_off(files[0])
    name = f"{rows} x {columns}, {stored} bits, {syntax.name[:32]}"
    times = f"{bare * 1e3:7.0f} {ours * 1e3:7.0f} {bare / ours:6.2f}"
    busy_times = f"{bare_busy * 1e3:7.0f} {ours_busy * 1e3:7.0f} {2 * bare_busy / ours_busy:6.2f}"
    print(f"{name:58} {times} {busy_times} {peak.peak:6.0f} {off:6.2f}", flush=True)


def _shades_off(file: Path) -> float:
    """By how much the stored image differs from that of the whole way, on average."""
    [whole], [quick] = read_radiographs(FileLocation(file)), read_radiographs(FileLocation(file), side=SIDE)
    images = [shrink(shades_8bit(each.image), SIDE).astype(int) for each in (whole, quick)]
    return float(np.abs(images[0] - images[1]).mean())
