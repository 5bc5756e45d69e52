"""How the images that were judged stand to those that the judging model learned from, as far as records show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fineray.evaluation.predictions import Predictions
from fineray.project.attributes import (
    DATE,
    NOT_STATED,
    attribute_names,
    attribute_values,
)
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.project.seal import Seal
from fineray.project.splits import EXTERNAL

Kind = Literal["other project", "same project", "site", "attribute", "chance", "file", "unknown"]
SITE = "site_hash"
DEVICES = ("manufacturer", "model", "station_hash")


@dataclass(frozen=True)
class Setting:
    """kind: the model is of another `other project`, or was judged on later images of the `same project`; each judged
    image is of a `site` that the model had seen nothing of; sides are apart by an `attribute`, by `chance`, as a `file`
    says, or `unknown`. by: the attribute's name, title: in words; doubtful: judged images of which that is not shown,
    where the sides are apart by site."""

    kind: Kind
    by: str = ""
    title: str = ""
    doubtful: int = 0

    @property
    def external(self) -> bool:
        """Whether the record shows that the images are of another institution, or of another project."""
        return self.kind in ("other project", "site")

    @property
    def apart(self) -> str:
        """How what was judged and what was learned from came apart, in words; empty where that is not known."""
        if self.kind == "site":
            return "apart by site: every image judged is of a site of which the model had seen nothing"
        if self.kind == "chance":
            return "drawn at random, so that both sides are of the same sites, devices and time"
        if self.by == DATE:
            return "apart by time: the patients judged were first seen later"
        if self.by == SITE:
            told = f"of {self.doubtful:,} images judged it is not shown that nothing of their site was learned from"
            return f"apart by site, but {told}"
        if self.by in DEVICES:
            return f"apart by device ({self.title}); they may be of the same hospital"
        return f"apart by {self.title}" if self.by else ""


def setting_of(
    project: Project, folder: RunFolder, parts: dict[int, str], judged: Predictions, seal: Seal | None
) -> Setting:
    """parts: image -> part of the run's split; seal: of the test set that the judged images are, None for the run's
    own held-out images."""
    split = folder.metrics().split
    if split.kind == EXTERNAL:
        return Setting("other project" if folder.package() is not None else "same project")
    by = seal.by if seal is not None else split.by
    title = attribute_names(project).get(by or "", by or "")
    title = title if title.startswith("Labels") else title.lower()
    doubtful = _sharing_sites(project, parts, judged, sealed=seal is not None)
    if doubtful == 0:
        return Setting("site", by or "", title)
    if by:
        return Setting("attribute", by, title, doubtful if by == SITE else 0)
    certificate = folder.split_certificate()
    if by is None or (seal is None and certificate is not None and certificate["made_by"] == "file"):
        return Setting("unknown" if by is None else "file")
    return Setting("chance")


def _sharing_sites(project: Project, parts: dict[int, str], judged: Predictions, sealed: bool) -> int:
    """How many judged images do not state their site, or share it with an image that their model learned from or was
    chosen on; all of them where an image that was learned from does not state its own, or none is known."""
    site = attribute_values(project, SITE)
    sharing = 0
    for part in set(judged.parts):
        images = [image for image, its in zip(judged.images.tolist(), judged.parts, strict=True) if its == part]
        learned = {site.get(image, NOT_STATED) for image, its in parts.items() if sealed or its != part}
        unclear = not learned or NOT_STATED in learned
        sharing += sum(unclear or site[image] in learned or site[image] == NOT_STATED for image in images)
    return sharing
