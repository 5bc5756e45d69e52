"""What makes two images those of one patient."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from fineray.dicom.location import FileLocation
from fineray.errors import FinerayError, nearest
from fineray.project.project import Project

By = Literal["id", "study", "folder", "name", "table", "image"]
ApartBy = Literal["", "nothing", "issuer", "site", "source"]
APART_BY: dict[ApartBy, str] = {
    "nothing": "one number is one person, wherever it stands",
    "site": "numbers count for one institution",
    "issuer": "numbers count for one issuer of patient IDs",
    "source": "numbers count for one imported folder",
}
INNERMOST = -1


class RuleUnusable(FinerayError):
    """What is said of patients cannot be understood, or cannot be applied to these files."""


@dataclass(frozen=True)
class PatientRule:
    """What tells patients apart.

    by: for images whose patient ID is blank, a placeholder, or the same for all (`everywhere`: for every image):
    nothing else (`id`), the study, a folder of the file's path, a part of that path by a pattern (`name`), a column of
    a table, which was read when the rule was applied, or each image by itself.
    level: which folder, counted from the imported one (1 lies in it) or, below 0, from the file (-1 holds it).
    pattern: a regular expression whose first group, or the whole of what it finds in the path below the imported
    folder, is the patient's name.
    one_place: a folder of the same name elsewhere is another patient; else a name is one patient wherever it occurs.
    apart_by: where patient IDs are stated, what else must be the same for two images to be of one patient; empty as
    long as nobody was asked.
    """

    by: By = "id"
    level: int = INNERMOST
    pattern: str = ""
    one_place: bool = False
    everywhere: bool = False
    apart_by: ApartBy = ""

    def __post_init__(self) -> None:
        if self.by not in get_args(By) or self.apart_by not in get_args(ApartBy):
            raise RuleUnusable(
                f"Patients cannot be told by “{self.by}”", todo=nearest(self.by, get_args(By), "Choose another way.")
            )
        if self.by == "folder" and self.level == 0:
            raise RuleUnusable("There is no folder 0", todo="Count from 1, the first folder below the imported one.")
        if self.by == "name":
            if not self.pattern:
                raise RuleUnusable("The pattern is empty", todo="Write what the names have in common.")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise RuleUnusable(
                    f"The pattern cannot be understood ({error.msg})", todo="Example: patient([0-9]+)"
                ) from error

    def to_json(self) -> str:
        """As the project keeps it."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_setting(text: str) -> PatientRule:
        """What to_json() wrote, or the bare word of an earlier format: its folders were the innermost ones."""
        if text.startswith("{"):
            return PatientRule(**json.loads(text))
        return PatientRule(text, one_place=True)  # type: ignore[arg-type]

    @staticmethod
    def parse(text: str) -> PatientRule:
        """`id`, `study`, `image`, `folder:2`, `folder:-1`, `name:PATTERN`. Raises RuleUnusable."""
        by, _, rest = text.partition(":")
        if by == "folder":
            if not re.fullmatch("-?[0-9]+", rest):
                raise RuleUnusable(
                    "Which folder names the patient is not said",
                    todo="Write folder:1 for the first below the imported one, folder:-1 for the one of the file.",
                )
            return PatientRule("folder", level=int(rest))
        return PatientRule(by, pattern=rest)  # type: ignore[arg-type]

    def in_words(self) -> str:
        """For a report, after `where files name no patient` or `of every file`."""
        match self.by:
            case "study":
                return "each study is a patient"
            case "image":
                return "each image is a patient"
            case "table":
                return "a column of a table names the patient"
            case "name":
                return f"the part of the path that fits “{self.pattern}” names the patient"
            case "folder" if self.level == INNERMOST:
                return "each folder of files is a patient"
            case "folder" if self.level < 0:
                return f"the folder {-self.level} levels above the file names the patient"
            case "folder":
                return f"folder {self.level} below the imported one names the patient"
        return "the patient ID alone names the patient"


@dataclass(frozen=True)
class Whose:
    """What an image's patient may be known by: keyed hashes, and the file's place with the folder that was imported,
    None where this workstation does not know it."""

    stated_hash: str
    issuer_hash: str
    site_hash: str
    source_hash: str
    study_hash: str
    sop_hash: str
    location: FileLocation | None
    root: Path | None


def patient_hash(project: Project, whose: Whose, rule: PatientRule, unnamed: Collection[str]) -> str | None:
    """The hash that names an image's patient; None where the rule needs the file's place and it is not known.

    unnamed: hashes of stated IDs that name nobody.
    """
    if rule.by == "id" or (whose.stated_hash not in unnamed and not rule.everywhere):
        apart = {"issuer": whose.issuer_hash, "site": whose.site_hash, "source": whose.source_hash}.get(rule.apart_by)
        if apart and whose.stated_hash not in unnamed:
            return project.keyed_hash(f"patient {whose.stated_hash} at {apart}")
        return whose.stated_hash
    if rule.by in ("folder", "name"):
        if whose.location is None or whose.root is None:
            return None
        name = name_in_path(whose.location, whose.root, rule)
        if name:
            return project.keyed_hash(name)
    if rule.by == "study" and whose.study_hash:
        return project.keyed_hash("patient of study:" + whose.study_hash)
    return by_itself(project, whose.sop_hash)


def by_itself(project: Project, sop_hash: str) -> str:
    """The hash that names the patient of an image that stands for itself."""
    return project.keyed_hash("patient of image:" + sop_hash)


def below(location: FileLocation, root: Path) -> tuple[str, ...]:
    """The parts of a path below the imported folder; the last one is the file."""
    parts = location.parts
    return parts[len(root.parts) :] if parts[: len(root.parts)] == root.parts else parts[-1:]


def name_in_path(location: FileLocation, root: Path, rule: PatientRule) -> str:
    """The text that stands for the patient, and tells rules of different kinds apart; empty where the path has none."""
    inside = below(location, root)
    if rule.by == "name":
        found = re.search(rule.pattern, "/".join(inside))
        return f"patient of name:{found[1] if found.re.groups else found[0]}" if found else ""
    folders = len(inside) - 1
    number = rule.level if rule.level > 0 else folders + 1 + rule.level
    if not 1 <= number <= folders:
        if rule.level != INNERMOST:
            return ""
        number = 0  # files that lie in the imported folder itself
    if rule.one_place or not number:
        return "patient of folder:" + "/".join(location.parts[: len(location.parts) - len(inside) + number])
    return "patient of folder name:" + inside[number - 1]
