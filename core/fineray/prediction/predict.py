"""A run applied to a folder of images that are in no project."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fineray.backbones.catalogue import backbone_for
from fineray.backbones.runtime import Runtime, best_device
from fineray.dicom.dataset import as_they_stand
from fineray.dicom.location import FileLocation
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from fineray.dicom.read import open_dicom
from fineray.evaluation.operating_point import PointRule
from fineray.prediction.drift import drift_of
from fineray.prediction.known_images import learned_among, sealed_among
from fineray.prediction.results import Drift, FolderPredictions, Scored
from fineray.prediction.scratch import scratch_project
from fineray.prediction.training_set import FACTS_FILE, TrainingSet, training_set_of
from fineray.progress import SILENT, Interim, Monitor, Progress
from fineray.project.attributes import NOT_STATED, raw_values
from fineray.project.catalogue import LabelledImage, imported_images, refused_files
from fineray.project.chosen_point import point_by_rule
from fineray.project.files.importing import NothingReadable, import_folders
from fineray.project.files.options import ImportOptions
from fineray.project.project import Project
from fineray.project.runs import RunFolder, learned_from
from fineray.system.places import Place
from fineray.training.features import features_of
from fineray.training.model import trained_model
from fineray.training.recipe import Recipe

SEALED = "part of the sealed test set: not scored"
LEARNED = "the run learned from this image"
UNLIKE = "unlike the images that the run learned from"
ALIKE = {"CR": "DX"}  # two ways to make the same kind of image
TOLD_BY = {"modality": "modality", "body_part": "body part", "view_position": "view"}
STAGE_WATCH = "Watching the folder"
LOOK_EVERY_S = 0.2  # whether the watch was ended


@dataclass(frozen=True)
class NewImage:
    """A scored image while it can still be looked at. project: the scratch project that holds its pixels."""

    project: Project
    image: LabelledImage
    source: FileLocation
    scored: Scored


Visit = Callable[[NewImage], None]


def predict_folder(
    project: Project,
    folder: RunFolder,
    source: Place,
    abstain: tuple[float, float] | None = None,
    visit: Visit | None = None,
    rule: PointRule | None = None,
    monitor: Monitor = SILENT,
) -> FolderPredictions:
    """Apply a run to every image below a folder; nothing of the images is kept.

    Images of the sealed test set are refused, in whatever form they come, and those of its patients; those unlike the
    training images are flagged.

    Parameters
    ----------
    project : Project
        The project of the run.
    folder : RunFolder
        The run.
    source : str or path
        A folder, file or ZIP archive of X-rays.
    abstain : (float, float), optional
        A band of the probability of the class in question, 0 to 1, in which the run says nothing.
    visit : callable, optional
        It is called with each scored image (NewImage) while its pixels are there.
    rule : PointRule, optional
        It chooses the operating point in place of the run's own.
    monitor : Monitor
        Hears of each file and of Progress; may cancel.

    Returns
    -------
    FolderPredictions
        A row an image, files without one at the end, and how the new images drift from those learned from. `to_frame`
        gives a pandas data frame.

    Raises
    ------
    FolderMissing
        The folder is not there.
    NoOperatingPoint
        The rule leads to none.
    Cancelled
        By the monitor.

    Notes
    -----
    Unlike is judged by the distance from a Gaussian around the training images in the backbone's features (Lee et al.
    2018), along their principal components and off them; 1 in 100 training images passes the limit.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     table = fineray.predict_folder(project, fineray.run(project, "run-001"), "images/SYNTHETIC-002")
    >>> table.scored, table.rows[0].file, table.rows[0].flag
    (1, 'image-1.dcm', 'the run learned from this image')
    >>> list(table.to_frame().columns)[-3:]
    ['predicted', 'flag', 'distance']
    """
    scorer = _Scorer(project, folder, abstain, rule)
    with scratch_project(folder.metrics().backbone.stored_side, project) as scratch:
        return scorer.look(scratch, Path(source), monitor, visit)


def watch_folder(
    project: Project,
    folder: RunFolder,
    source: Path,
    every_s: float,
    abstain: tuple[float, float] | None = None,
    visit: Visit | None = None,
    rule: PointRule | None = None,
    monitor: Monitor = SILENT,
) -> None:
    """Look into the folder again and again until it is cancelled (Cancelled), and report the table whenever it has
    changed (Interim). An image is read once; a file that was still being written is read again when it has changed."""
    scorer = _Scorer(project, folder, abstain, rule)
    seen: tuple[Scored, ...] | None = None
    with scratch_project(folder.metrics().backbone.stored_side, project) as scratch:
        while True:
            table = scorer.look(scratch, source, monitor, visit)
            if table.rows != seen:
                seen = table.rows
                monitor.report(Interim(table))
            monitor.report(Progress(STAGE_WATCH, table.scored, 0, "images"))
            until = time.monotonic() + every_s
            while time.monotonic() < until:
                monitor.check()
                time.sleep(LOOK_EVERY_S)


class _Scorer:
    """A run, ready to say something of images; what was said of an image is kept while the folder is watched."""

    def __init__(
        self, project: Project, folder: RunFolder, abstain: tuple[float, float] | None, rule: PointRule | None
    ) -> None:
        metrics = folder.metrics()
        self._project, self._folder, self._abstain = project, folder, abstain
        self._classes, self._multilabel = metrics.classes, metrics.multilabel
        self._has_features = bool(metrics.backbone.feature_space)
        self._point = point_by_rule(folder, rule)
        self._training_set: TrainingSet = training_set_of(project, folder)
        self._scored: dict[str, Scored] = {}  # by content
        self._sealed: dict[str, bool] = {}  # by content
        brought = (folder.path / FACTS_FILE).is_file()  # a package's images are not in this project
        self._learned = () if brought else tuple(learned_from(project, folder))
        self._uids: dict[tuple[int, str], str] = {}  # SOP Instance UIDs, by image and content: each file is opened once
        # The images' rows at the last look, and their drift: a watched folder seldom changes between two.
        self._before: tuple[list[Scored], Drift | None] = [], None

    def look(self, scratch: Project, source: Path, monitor: Monitor, visit: Visit | None) -> FolderPredictions:
        """All that the folder holds now."""
        known = self._training_set
        try:
            import_folders(scratch, [source], ImportOptions(frames="all"), monitor=monitor)
        except NothingReadable:
            return FolderPredictions(
                self._folder.name,
                self._classes,
                self._point,
                _refused(scratch, source),
                None,
                multilabel=self._multilabel,
            )
        imported = imported_images(scratch)
        images, places = [image for image, _ in imported], {image.id: place for image, place in imported}
        unasked = [image for image in images if image.content_hash not in self._sealed]
        theirs = sealed_among(self._project, scratch, unasked, monitor.check)
        for image in unasked:
            own = known.digest(image.content_hash) in known.sealed
            self._sealed[image.content_hash] = own or image.id in theirs
        sealed = {image.id for image in images if self._sealed[image.content_hash]}
        new = [image for image in images if image.id not in sealed and image.content_hash not in self._scored]
        fresh = {image.id for image in new}
        if new:
            for image, told in zip(new, self._score(scratch, new, monitor), strict=True):
                self._scored[image.content_hash] = told
        rows = []
        for number, image in enumerate(images):
            place = places[image.id]
            key = image.id, image.content_hash
            if key not in self._uids:
                self._uids[key] = _uid(place)
            name, uid = _relative(place, source), self._uids[key]
            if image.id in sealed:
                rows.append(Scored(name, uid, (), "", SEALED))
                continue
            row = replace(self._scored[image.content_hash], file=name, sop_instance_uid=uid)
            rows.append(row)
            if visit is not None and image.id in fresh:
                monitor.report(Progress("Writing results", number, len(images), "images"))
                monitor.check()
                visit(NewImage(scratch, image, place, row))
        if rows != self._before[0]:
            judged = [image.id for image in images if image.id not in sealed]
            scored = [row for row in rows if row.probabilities]
            self._before = list(rows), drift_of(scratch, judged, known, self._classes, scored)
        limit = known.likeness.limit if known.likeness else None
        rows += _refused(scratch, source)
        return FolderPredictions(
            self._folder.name, self._classes, self._point, tuple(rows), limit, self._before[1], self._multilabel
        )

    def _score(self, scratch: Project, images: Sequence[LabelledImage], monitor: Monitor) -> list[Scored]:
        """What the run says of each, without a name yet."""
        chances = trained_model(self._folder).predict(scratch, images, monitor)
        distance = self._distances(scratch, images, monitor)
        flags = self._flags(scratch, images, distance)
        predicted = self._point.names(self._classes, chances, self._multilabel)
        found = []
        for row, told, flag, away in zip(chances.tolist(), predicted, flags, distance, strict=True):
            if self._abstain is not None and not self._multilabel:
                low, high = self._abstain
                if low <= row[self._in_question] < high:
                    told, flag = "", [*flag, f"between {low:g} and {high:g}: the run says nothing"]
            found.append(Scored("", "", tuple(row), told, "; ".join(flag), away))
        return found

    @property
    def _in_question(self) -> int:
        return self._classes.index(self._point.positive) if self._point.positive else len(self._classes) - 1

    def _distances(self, scratch: Project, images: Sequence[LabelledImage], monitor: Monitor) -> list[float | None]:
        """How far each image is from those that were learned from, None where features are not kept."""
        likeness = self._training_set.likeness
        if likeness is None or not self._has_features:
            return [None] * len(images)
        recipe = Recipe.of_run(self._folder.path)
        chosen = backbone_for(self._folder.path, recipe.backbone)
        runtime = Runtime(chosen, best_device(), recipe.pooling, recipe.input_size)
        features = features_of(scratch, images, chosen, runtime, monitor)[0]
        return list(map(float, likeness.distances(features)))

    def _flags(
        self, scratch: Project, images: Sequence[LabelledImage], distance: Sequence[float | None]
    ) -> list[list[str]]:
        """What speaks against each image."""
        known = self._training_set
        usual = {name: {ALIKE.get(value, value) for value in known.attributes[name]} for name in TOLD_BY}
        own = raw_values(scratch, tuple(TOLD_BY))
        again = learned_among(self._project, scratch, images, self._learned)
        found = []
        for image, away in zip(images, distance, strict=True):
            flags = [
                f"{title} {value}, which the run never learned from"
                for (name, title), value in zip(TOLD_BY.items(), own[image.id], strict=True)
                if value and ALIKE.get(value, value) not in usual[name] and usual[name] - {NOT_STATED}
            ]
            if image.id in again or known.digest(image.content_hash) in known.learned:
                flags.append(LEARNED)
            if known.likeness is not None and away is not None and away > known.likeness.limit:
                flags.append(f"{UNLIKE} (distance {away:.1f}, usual up to {known.likeness.limit:.1f})")
            found.append(flags)
        return found


@as_they_stand()
def _uid(location: FileLocation) -> str:
    try:
        ds = open_dicom(location)
    except (NotARadiograph, UnreadableFile, OSError):
        return ""
    return str(ds.get("SOPInstanceUID", "")) if ds is not None else ""


def _refused(scratch: Project, source: Path) -> tuple[Scored, ...]:
    """Files that gave no image, with the reason."""
    rows = (
        Scored(_relative(location, source), "", (), "", f"not scored: {reason}")
        for location, reason in refused_files(scratch)
    )
    return tuple(sorted(rows, key=lambda row: row.file))


def _relative(location: FileLocation, source: Path) -> str:
    root = source.resolve()
    path = location.path
    inside = path.relative_to(root).as_posix() if root in path.parents else path.name
    return f"{inside}/{location.member}" if location.member else inside
