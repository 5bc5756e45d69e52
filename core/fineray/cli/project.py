"""Commands about a project and its files: new, import, check, doctor, deidentify, reidentify."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from fineray.cli.label_table import SAID_APART, preview_in_short, source_of, table_options
from fineray.cli.options import command, of_project
from fineray.cli.patients import shared_in_words
from fineray.cli.running import PASSPHRASE_FROM, Reply, carry_out, listed, passphrase
from fineray.dicom.radiograph import FrameChoice
from fineray.engine.requests.project import ChangeSide, CheckData, ExportDeidentified, ImportFolders
from fineray.errors import FinerayError
from fineray.export.options import ExportOptions
from fineray.project.catalogue import warning_counts
from fineray.project.files.file_kinds import file_kinds
from fineray.project.files.options import ImportOptions
from fineray.project.labels.preview import apply_labels, preview_folders, preview_labels
from fineray.project.layouts.published import LayoutUnusable
from fineray.project.layouts.taking import GUESS, LAYOUTS, preview_layout, take_layout
from fineray.project.patients.identify import shared_numbers
from fineray.project.project import SIDES, STORE_SIDE, create_project, open_project


def add_commands(group: Any) -> None:
    """Their parsers."""
    new_ = of_project(group, "new", new, "create a project in a new or empty folder")
    new_.add_argument("--side", type=int, choices=SIDES, default=STORE_SIDE, help="the longest side of a kept image")

    side_ = of_project(group, "side", side, "keep images at another size: their files are read again, labels stay")
    side_.add_argument("side", type=int, choices=SIDES)

    importing = of_project(group, "import", import_images, "import folders of DICOM files")
    importing.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    importing.add_argument("--again", action="store_true", help="read every file, those read before too")
    importing.add_argument("--frames", choices=get_args(FrameChoice), default="none", help="of files that hold several")
    for name, what in (
        ("modality", "CR, DX, ..."),
        ("view", "PA, AP, ..."),
        ("body-part", "CHEST, ..."),
        ("intent", "FOR PRESENTATION, FOR PROCESSING"),
    ):
        importing.add_argument(
            f"--{name}", action="append", default=[], type=str.upper, metavar="VALUE", help=f"only these ({what})"
        )
    labels = importing.add_mutually_exclusive_group()
    labels.add_argument(
        "--labels", type=Path, metavar="TABLE", help="CSV, Excel, ...: a column that names images, one with labels"
    )
    labels.add_argument("--labels-from-folders", action="store_true", help="the first folder below DIR is the label")
    labels.add_argument(
        "--layout",
        choices=[GUESS, *LAYOUTS],
        help="a collection as it is published: take over its patients, labels, views and split",
    )
    importing.add_argument("--preview", action="store_true", help="with --layout: say what is there, import nothing")
    importing.add_argument(
        "--label-column", action="append", default=[], metavar="NAME",
        help="the table's column of labels; several hold a finding each; guessed unless given",
    )  # fmt: skip
    importing.add_argument("--label-set", metavar="NAME", help="where the labels go; the set in use unless given")
    table_options(importing)

    of_project(group, "check", check, "look for what may spoil the study")

    doctor_ = command(group, "doctor", doctor, "test the decoders; list what kinds of files a project holds")
    doctor_.add_argument("project", type=Path, metavar="P", nargs="?")

    deidentify_ = of_project(group, "deidentify", deidentify, "write the images as DICOM files without identity")
    deidentify_.add_argument("target", type=Path, metavar="DIR", help="a new or empty folder")
    deidentify_.add_argument("--dates", choices=["shifted", "removed"], default="shifted")
    deidentify_.add_argument("--keep-device", action="store_true", help="keep what identifies the device")
    deidentify_.add_argument("--keep-text", action="store_true", help="do not look for letters burned into the pixels")
    deidentify_.add_argument(
        "--key", type=Path, metavar="FILE", help=f"the way back to the patients, {PASSPHRASE_FROM}"
    )

    reidentify_ = command(group, "reidentify", reidentify, "say who stands behind pseudonyms, with the key file")
    reidentify_.add_argument("key", type=Path, metavar="FILE", help=f"the key file; {PASSPHRASE_FROM}")
    reidentify_.add_argument("pseudonyms", nargs="*", metavar="PSEUDONYM", help="all unless given")


def new(options: Namespace) -> Reply:
    """Create a project."""
    create_project(options.project, options.side)
    return listed({"project": str(options.project.resolve())})


def side(options: Namespace) -> Reply:
    """Read the images again for another size."""
    with open_project(options.project, lock=True):
        return listed(asdict(carry_out(ChangeSide(options.project, options.side))))


def import_images(options: Namespace) -> Reply:
    """Import folders, and labels for them."""
    if options.layout:
        if len(options.folders) != 1:
            raise LayoutUnusable("A layout is that of one folder", todo="Import one collection after the other.")
        told = preview_layout(options.folders[0], options.layout)
        if options.preview:
            answer: dict[str, Any] = {**asdict(told), "folder": str(told.folder)}
            return Reply(answer, "\n".join([f"{told.title}.", *told.in_words(), *told.notes]))
    elif options.preview:
        raise LayoutUnusable("Without a layout there is nothing to show first", todo=f"Add --layout {GUESS}.")
    with open_project(options.project, lock=True) as project:
        wanted = ImportOptions(
            frames=options.frames,
            modalities=tuple(options.modality),
            views=tuple(options.view),
            body_parts=tuple(options.body_part),
            intents=tuple(options.intent),
        )
        summary = carry_out(ImportFolders(options.project, tuple(options.folders), wanted, options.again))
        answer = {
            **{name: getattr(summary, name) for name in ("imported", "unchanged", "skipped", "failed", "duplicates")},
            "seconds": round(summary.seconds, 3),
        }
        preview = None
        if options.labels:
            columns = tuple(options.label_column)
            preview = preview_labels(project, source_of(options, options.labels, columns, options.label_set or ""))
        elif options.labels_from_folders:
            preview = preview_folders(project, options.label_set or "")
        shared = shared_numbers(project)
        if shared:
            answer["shared_numbers"] = shared_in_words(shared)
        if preview is not None:
            answer |= preview_in_short(preview)
            answer["labelled"] = apply_labels(project, preview)
        if options.layout:
            answer["layout"] = asdict(take_layout(project, options.folders[0], told.name))
    return Reply(answer, listed({name: value for name, value in answer.items() if name not in SAID_APART}).words)


def check(options: Namespace) -> Reply:
    """Run the data checks."""
    with open_project(options.project, lock=True):
        found = [asdict(each) for each in carry_out(CheckData(options.project))]
    return Reply({"checks": found}, "\n".join("{severity:<8}{title} ({evidence})".format(**each) for each in found))


def doctor(options: Namespace) -> Reply:
    """Test the decoders and list the kinds of files."""
    from fineray.dicom.selftest import codec_self_test

    codecs = codec_self_test()
    broken = [result.transfer_syntax for result in codecs if result.problem]
    if broken:
        raise FinerayError(f"This installation cannot decode {', '.join(broken)}", todo="Install Fineray again, whole.")
    answer: dict[str, Any] = {"codecs": [asdict(result) for result in codecs]}
    lines = [f"decodes {each.transfer_syntax} ({each.library})" for each in codecs]
    if options.project:
        with open_project(options.project) as project:
            answer["kinds"] = [asdict(kind) for kind in file_kinds(project)]
            answer["warnings"] = warning_counts(project)
        for kind in answer["kinds"]:
            said = [str(value or "-") for name, value in kind.items() if name not in ("images", "example", "warnings")]
            lines.append(f"{kind['images']:>7} images: {', '.join(said)}")
        lines += [f"{images:>7} images: {sentence}" for sentence, images in answer["warnings"].items()]
    return Reply(answer, "\n".join(lines))


def deidentify(options: Namespace) -> Reply:
    """Write the images as DICOM files without identity."""
    secret = passphrase(twice=True) if options.key else ""
    wanted = ExportOptions(options.dates, options.keep_device, not options.keep_text, options.key, secret)
    with open_project(options.project, lock=True):
        return listed(asdict(carry_out(ExportDeidentified(options.project, options.target, wanted))))


def reidentify(options: Namespace) -> Reply:
    """Look pseudonyms up in a key file."""
    from fineray.export.key_file import KeyFileRefused, read_key_file

    patients: dict[str, Any] = read_key_file(options.key, passphrase())["patients"]
    unknown = [name for name in options.pseudonyms if name not in patients]
    if unknown:
        raise KeyFileRefused(f"The key file does not know {', '.join(unknown)}", todo="Choose the key of that export.")
    found = {name: patients[name] for name in options.pseudonyms or patients}
    return Reply({"patients": found}, "\n".join(f"{name}: {value}" for name, value in found.items()))
