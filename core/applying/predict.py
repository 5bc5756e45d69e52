"""A run applied to a folder of films that are in no project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.applying.likeness import Likeness
from core.applying.results import PredictionTable, Scored
from core.backbones.catalogue import backbone
from core.backbones.runtime import Runtime, best_device
from core.dicom.location import FileLocation
from core.dicom.radiograph import NotARadiograph, UnreadableFile
from core.dicom.read import open_dicom
from core.evaluation.operating_point import OperatingPoint
from core.progress import Monitor
from core.project.attributes import raw_values
from core.project.catalogue import LabelledImage, sealed_images
from core.project.import_options import ImportOptions
from core.project.importing import NothingReadable, import_folders
from core.project.pixel_store import StoredAt
from core.project.project import Project
from core.project.runs import RunFolder, called_findings, learned_from
from core.project.scratch import scratch_project
from core.training.features import features_of, kept_features
from core.training.predicting import probabilities_of
from core.training.recipe import Recipe

SEALED = "part of the sealed test set: not scored"
LEARNED = "the run learned from this film"
UNLIKE = "unlike the films that the run learned from"
ALIKE = {"CR": "DX"}  # two ways to make the same kind of film
TOLD_BY = {"modality": "modality", "body_part": "body part", "view_position": "view"}


def predict_folder(
    project: Project, folder: RunFolder, films: Path, monitor: Monitor, abstain: tuple[float, float] | None = None
) -> PredictionTable:
    """Read every film below a folder and apply the run to it; nothing of the films is kept.

    Films of the project's sealed test set are refused, by content. abstain: (low, high), a band of the probability of
    the class in question in which the run says nothing. Raises FolderMissing, Cancelled.
    """
    metrics = folder.metrics()
    classes, several = tuple(metrics["classes"]), bool(metrics.get("several"))
    frozen = folder.frozen()
    point = OperatingPoint(**frozen["point"]) if frozen else OperatingPoint()
    with scratch_project() as scratch:
        try:
            import_folders(scratch, [films], monitor, ImportOptions(frames="all"))
        except NothingReadable:
            return PredictionTable(folder.name, classes, point, _refused(scratch, films), None)
        images, places = _films(scratch)
        sealed = {image.content_hash for image in sealed_images(project)}
        allowed = [image for image in images if image.content_hash not in sealed]
        chances = probabilities_of(scratch, folder, allowed, monitor) if allowed else np.empty((0, len(classes)))
        learned = _learned(project, folder)
        likeness, distance = _distances(project, folder, learned, scratch, allowed, monitor)
        flags = _flags(project, learned, scratch, allowed, likeness, distance)
        called = _called(classes, several, point, chances)
        rows, place = [], {image.id: number for number, image in enumerate(allowed)}
        for image in images:
            path, uid = places[image.id]
            name = _relative(path, films)
            number = place.get(image.id)
            if number is None:
                rows.append(Scored(name, uid, (), "", SEALED))
                continue
            row, flag = chances[number], flags[number]
            told = called[number]
            if abstain is not None and not several:
                key = classes.index(point.positive) if point.positive else len(classes) - 1
                if abstain[0] <= row[key] < abstain[1]:
                    told, flag = "", [*flag, f"between {abstain[0]:g} and {abstain[1]:g}: the run says nothing"]
            away = None if distance is None else float(distance[number])
            rows.append(Scored(name, uid, tuple(row.tolist()), told, "; ".join(flag), away))
        rows += _refused(scratch, films)
    return PredictionTable(folder.name, classes, point, tuple(rows), likeness.limit if likeness else None)


def _films(scratch: Project) -> tuple[list[LabelledImage], dict[int, tuple[FileLocation, str]]]:
    """(every image read, image id -> its file and SOP Instance UID), by path."""
    rows = scratch.db.execute(
        "SELECT image.id, patient_id, content_hash, shard, shard_offset, store_rows, store_columns, path_hash"
        " FROM image JOIN image_file ON image_file.image_id = image.id GROUP BY image.id"
    ).fetchall()
    places, images = {}, []
    for row in rows:
        location = scratch.sources.location(row[7])
        assert location is not None
        places[row[0]] = location, _uid(location)
        images.append(LabelledImage(row[0], row[1], "", row[2], StoredAt(*row[3:7])))
    return sorted(images, key=lambda image: (places[image.id][0], image.id)), places


def _uid(location: FileLocation) -> str:
    try:
        ds = open_dicom(location)
    except (NotARadiograph, UnreadableFile, OSError):
        return ""
    return str(ds.get("SOPInstanceUID", "")) if ds is not None else ""


def _refused(scratch: Project, films: Path) -> tuple[Scored, ...]:
    """Files that gave no film, with the reason."""
    found = []
    query = "SELECT path_hash, reason FROM file WHERE path_hash NOT IN (SELECT path_hash FROM image_file)"
    for path_hash, reason in scratch.db.execute(query):
        location = scratch.sources.location(path_hash)
        if location is not None:
            found.append(Scored(_relative(location, films), "", (), "", f"not scored: {reason}"))
    return tuple(sorted(found, key=lambda row: row.file))


def _learned(project: Project, folder: RunFolder) -> dict[int, str]:
    """Image id -> content hash, of the images that the run learned from.

    By content: the order in which files were read differs from import to import, and what follows should not.
    """
    wanted = learned_from(project, folder)
    rows = project.db.execute("SELECT id, content_hash FROM image ORDER BY content_hash")
    return {image: key for image, key in rows if image in wanted}


def _distances(
    project: Project,
    folder: RunFolder,
    learned: dict[int, str],
    scratch: Project,
    images: Sequence[LabelledImage],
    monitor: Monitor,
) -> tuple[Likeness | None, NDArray[np.float64] | None]:
    """(what training films look like to the backbone, the films' distances), None where features are not kept."""
    network = folder.metrics()["backbone"]
    if not network.get("feature_space") or not images:
        return None, None
    widths = tuple(network["widths"])
    known = kept_features(project, network["feature_space"], sum(widths), learned)
    likeness = Likeness.of(np.array(list(known.values())), widths) if known else None
    if likeness is None:
        return None, None
    recipe = Recipe.from_json((folder.path / "recipe.json").read_text("utf-8"))
    chosen = backbone(recipe.backbone)
    runtime = Runtime(chosen, best_device(), recipe.pooling, recipe.side)
    return likeness, likeness.distances(features_of(scratch, images, chosen, runtime, monitor)[0])


def _flags(
    project: Project,
    learned: dict[int, str],
    scratch: Project,
    images: Sequence[LabelledImage],
    likeness: Likeness | None,
    distance: NDArray[np.float64] | None,
) -> list[list[str]]:
    """What speaks against each film."""
    known = raw_values(project, tuple(TOLD_BY))
    usual = [
        {ALIKE.get(known[image][number], known[image][number]) for image in learned} for number in range(len(TOLD_BY))
    ]
    hashes = set(learned.values())
    own = raw_values(scratch, tuple(TOLD_BY))
    found = []
    for number, image in enumerate(images):
        flags = [
            f"{title} {value}, which the run never learned from"
            for title, value, values in zip(TOLD_BY.values(), own[image.id], usual, strict=True)
            if value and ALIKE.get(value, value) not in values and values - {""}
        ]
        if image.content_hash in hashes:
            flags.append(LEARNED)
        if likeness is not None and distance is not None and distance[number] > likeness.limit:
            flags.append(f"{UNLIKE} (distance {distance[number]:.1f}, usual up to {likeness.limit:.1f})")
        found.append(flags)
    return found


def _called(classes: tuple[str, ...], several: bool, point: OperatingPoint, chances: NDArray[np.float64]) -> list[str]:
    if several:
        return [called_findings(classes, row) for row in chances.tolist()]
    return [classes[number] for number in point.numbers(classes, chances).tolist()]


def _relative(location: FileLocation, films: Path) -> str:
    root = films.resolve()
    path = location.path
    inside = path.relative_to(root).as_posix() if root in path.parents else path.name
    return f"{inside}/{location.member}" if location.member else inside
