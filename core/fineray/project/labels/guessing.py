"""Which column of a table names the images, which stands beside it, and which holds the labels: judged by the cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fineray.project.labels.beside import HEADERS as BESIDE
from fineray.project.labels.beside import Beside, beside_of, certain_dates
from fineray.project.labels.cell_values import are_flags, is_missing
from fineray.project.labels.keys import KINDS, OF_SEVERAL, KeyKind, Keys
from fineray.project.labels.matching import applicable
from fineray.project.labels.table import Table, plain
from fineray.project.project import Project

SAMPLE = 200  # different entries that a column is judged by
CLOSE = 0.05  # two shares of matched entries that are as good as each other
LABEL_COLUMN = "label"
HEADERS: dict[KeyKind, tuple[str, ...]] = {
    "sop_instance_uid": ("sopinstanceuid", "sopuid", "instanceuid", "imageuid", "dicomuid", "uid"),
    "file": (
        *(
            "file",
            "filename",
            "filepath",
            "path",
            "imagepath",
            "imagename",
            "image",
            "imageid",
            "imageindex",
            "imagefile",
        ),
        *(
            "imagefilepath",
            "img",
            "dicom",
            "dicomid",
            "dicomfile",
            "dicompath",
            "datei",
            "dateiname",
            "fichier",
            "archivo",
        ),
    ),
    "content_hash": ("contenthash",),
    "series_instance_uid": ("seriesinstanceuid", "seriesuid", "seriesid"),
    "accession_number": ("accessionnumber", "accession", "accno", "accessionno", "accnr", "accessionnr"),
    "study_instance_uid": ("studyinstanceuid", "studyuid", "studyid", "study"),
    "patient_id": (
        "patientid",
        "patient",
        "pid",
        "patid",
        "subjectid",
        "subject",
        "mrn",
        "caseid",
        "case",
        "id",
        "patientenid",
    ),
    "folder": ("folder", "directory", "dir", "ordner", "dossier"),
}
# What tables say of images beside their labels.
UNLIKELY = (
    *("age", "sex", "gender", "patientage", "patientsex", "patientgender", "row", "no", "nr", "index", "site", "split"),
    *(name for names in BESIDE.values() for name in names),
)
LABELS = (
    *(
        "label",
        "labels",
        "grade",
        "grading",
        "class",
        "classname",
        "classes",
        "diagnosis",
        "diagnose",
        "finding",
        "findings",
        "findinglabels",
    ),
    *(
        "target",
        "y",
        "category",
        "outcome",
        "result",
        "groundtruth",
        "truth",
        "birads",
        "severity",
        "rating",
        "pathology",
        "befund",
        "klasse",
    ),
)


@dataclass(frozen=True)
class Guess:
    """A column that may name images. matched, by_rules: shares of its entries that do as they are written, and with
    every rule on."""

    column: str
    kind: KeyKind
    matched: float
    by_rules: float


def key_guesses(
    keys: Keys, table: Table, columns: Iterable[str] | None = None, kinds: Iterable[KeyKind] = tuple(KINDS)
) -> list[Guess]:
    """Columns and what they may hold, the best first; those by which no image is found are not among them."""
    wanted = list(table.header if columns is None else columns)
    samples = {column: _sample(table.cells(column)) for column in wanted}
    most = max((len(sample) for sample in samples.values()), default=0)
    found = []
    for column, sample in samples.items():
        for kind in kinds:
            if not sample or (kind == "folder" and len(wanted) > 1 and not _telling(sample, most)):
                continue
            find, rules = keys.finder(kind), frozenset(applicable(kind))
            exact = sum(bool(find(entry, frozenset()).images) for entry in sample)
            by_rules = (
                sum(bool(find(entry, rules).images) for entry in sample) if rules and exact < len(sample) else exact
            )
            if by_rules:
                found.append(Guess(column, kind, exact / len(sample), by_rules / len(sample)))
    order = list(KINDS)

    def worth(guess: Guess) -> tuple[float, float, int]:
        share = max(guess.matched, 0.9 * guess.by_rules) * min(1.0, len(samples[guess.column]) / (0.2 * most))
        named = plain(guess.column) in HEADERS[guess.kind]
        return round((share + CLOSE * named) / CLOSE), named, -order.index(guess.kind)

    return sorted(found, key=worth, reverse=True)


def key_by_header(table: Table, columns: Iterable[str] | None = None) -> tuple[str, KeyKind] | None:
    """What the header says, where no entry is found."""
    for kind in KINDS:
        for column in table.header if columns is None else columns:
            if plain(column) in HEADERS[kind]:
                return column, kind
    return None


def kind_by_header(column: str) -> KeyKind | None:
    """What a column's name says that it holds."""
    return next((kind for kind, names in HEADERS.items() if plain(column) in names), None)


def besides_of(project: Project, table: Table, key: str, kind: KeyKind, labels: Sequence[str]) -> tuple[Beside, ...]:
    """The columns that may tell a patient's images apart: those with a side, a view or a date."""
    if kind not in OF_SEVERAL:
        return ()
    columns = [column for column in table.header if column != key and column not in labels]
    found = (beside_of(project, column, table.cells(column)) for column in columns)
    return tuple(each for each in found if each is not None)


def used_beside(project: Project, besides: Iterable[Beside]) -> tuple[Beside, ...]:
    """Of these, one for the side, the view and the date at most; a date that is no study's is of birth, or of
    reading."""
    found: dict[str, Beside] = {}
    for each in besides:
        if each.attribute != "study_date" or _known(project, each):
            found.setdefault(each.attribute, each)
    return tuple(found.values())


def label_columns(table: Table, taken: Iterable[str]) -> tuple[str, ...]:
    """The column named like one of labels; else all that hold yes and no, where there are several; else the first with
    few different values; else the first."""
    used = set(taken)
    offered = [column for column in table.header if column not in used]
    for name in LABELS:
        named = next((column for column in offered if plain(column) == name), None)
        if named is not None:
            return (named,)
    offered = [column for column in offered if kind_by_header(column) is None] or offered
    offered.sort(key=lambda column: plain(column) in UNLIKELY)
    flags = [column for column in offered if are_flags(table.cells(column))]
    if len(flags) > 1:
        return tuple(flags)
    few = (column for column in offered if 1 < len({c for c in table.cells(column) if c and not is_missing(c)}) <= 20)
    return tuple([*few, *offered][:1])


def _sample(cells: Sequence[str]) -> list[str]:
    different = list(dict.fromkeys(cell for cell in cells if cell))
    step = max(1, len(different) // SAMPLE)
    return different[::step][:SAMPLE]


def _telling(sample: Sequence[str], most: int) -> bool:
    """Whether entries differ about as much as any column's: names of classes are folders, too."""
    return len(sample) > 0.5 * most


def _known(project: Project, beside: Beside) -> bool:
    """Whether most of the days are days of studies; of a column that is called so, whether any is."""
    known = {row[0] for row in project.db.execute("SELECT DISTINCT study_date FROM image WHERE study_date <> ''")}
    stated = [wanted for wanted in beside.wanted if wanted]
    found = sum(bool(wanted & known) for wanted in stated)
    return found > 0 if certain_dates(beside.column) else 2 * found > len(stated)
