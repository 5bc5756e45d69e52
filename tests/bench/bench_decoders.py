"""Processor and wall time of every decoder by transfer syntax: `python -m tests.bench.bench_decoders [FOLDER]`."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from fineray.dicom.pixels import FASTEST_PLUGIN
from fineray.dicom.scan import find_files
from tests.bench.bench_main_job import DEFAULT

FILES = 60


def main() -> None:
    """Print milliseconds an image; `*` marks the decoder that Fineray uses."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    by_syntax: dict[UID, list[Dataset]] = defaultdict(list)
    for found in find_files([folder]):
        if found.location.path.suffix == ".dcm":
            ds = pydicom.dcmread(found.location.path)
            by_syntax[ds.file_meta.TransferSyntaxUID].append(ds)
    for syntax, datasets in by_syntax.items():
        if not syntax.is_encapsulated:
            continue
        decoder, sample = get_decoder(syntax), datasets[:FILES]
        print(f"{syntax.name}, {sample[0].Columns} x {sample[0].Rows}")
        for plugin in decoder.available_plugins:
            for ds in sample[:3]:
                decoder.as_array(ds, decoding_plugin=plugin)
            cpu, wall = time.process_time(), time.perf_counter()
            for ds in sample:
                decoder.as_array(ds, decoding_plugin=plugin)
            cpu, wall = (
                (now - then) / len(sample) * 1e3
                for now, then in ((time.process_time(), cpu), (time.perf_counter(), wall))
            )
            mark = "*" if FASTEST_PLUGIN.get(syntax) == plugin else " "
            print(f"  {mark} {plugin:12} {cpu:7.2f} ms of processor time, {wall:7.2f} ms")


if __name__ == "__main__":
    main()
