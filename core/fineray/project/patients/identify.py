"""Saying what identifies a patient: what would come of it, and doing it, for what is imported and what will be."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fineray.dicom.location import shown
from fineray.project.history import remember
from fineray.project.patients.placeholders import placeholder_hashes
from fineray.project.patients.rule import PatientRule, Whose, below, by_itself, name_in_path, patient_hash
from fineray.project.project import Project
from fineray.project.splits import latest_split, torn_patients

EXAMPLES = 12


@dataclass(frozen=True)
class RulePreview:
    """What a rule would do.

    images: those that it is applied to; patients_before, patients_after: of the whole project; moved: images whose
    fellow images would be others; unplaced: images left as they are, since their file's place is not known here;
    alone: images in which the rule finds no name, a patient each; examples: (path below the imported folder, name
    found in it), one a patient; elsewhere: names that occur in several places; torn: patients that the latest split
    would have on two sides.
    """

    rule: PatientRule
    images: int
    patients_before: int
    patients_after: int
    moved: int
    unplaced: int
    alone: int
    examples: tuple[tuple[str, str], ...]
    elsewhere: int
    torn: int


@dataclass(frozen=True)
class SharedNumbers:
    """Patient IDs that stand for images of several origins, so that they may be of different people.

    patients: how many IDs; by: of them, how many at several institutions (`site`), of several issuers, in several
    imported folders (`source`); different_sex: how many are stated with both sexes.
    """

    patients: int
    by: dict[str, int]
    different_sex: int

    def in_words(self) -> str:
        """The question that they raise."""
        names = {"site": "institutions", "issuer": "issuers", "source": "imported folders"}
        where = " and ".join(f"several {names[name]}" for name in self.by)
        sex = f" {self.different_sex:,} of them are stated with both sexes." if self.different_sex else ""
        return f"{self.patients:,} patient IDs occur at {where}: are they the same people?{sex}"


def kept_rule(project: Project) -> PatientRule:
    """What the user said identifies a patient; by the patient ID alone if nothing was said."""
    row = project.db.execute("SELECT value FROM setting WHERE name = 'patient_rule'").fetchone()
    return PatientRule.from_setting(row[0]) if row else PatientRule()


def unnamed_hashes(project: Project) -> frozenset[str]:
    """Hashes of stated IDs that name nobody: placeholders, and IDs that stood for the whole project."""
    row = project.db.execute("SELECT value FROM setting WHERE name = 'constant_ids'").fetchone()
    return placeholder_hashes(project) | frozenset(json.loads(row[0]) if row else [])


def unidentified_images(project: Project) -> list[int]:
    """Images whose patient is known by a placeholder only; all images where one ID stands for the whole project."""
    (patients,) = project.db.execute("SELECT count(DISTINCT patient_id) FROM image").fetchone()
    if patients == 1 and kept_rule(project).by == "id":
        everything = [row[0] for row in project.db.execute("SELECT id FROM image ORDER BY id")]
        return everything if len(everything) > 1 else []
    rows = project.db.execute(
        "SELECT image.id FROM image JOIN patient ON patient.id = image.patient_id"
        " WHERE id_hash IN (SELECT value FROM json_each(?)) ORDER BY image.id",
        (json.dumps(sorted(placeholder_hashes(project))),),
    )
    return [row[0] for row in rows]


def shared_numbers(project: Project) -> SharedNumbers | None:
    """IDs that several hospitals may have given to different people; None where there are none, or the user has said
    what holds."""
    if kept_rule(project).apart_by:
        return None
    rows = project.db.execute(
        "SELECT count(DISTINCT nullif(issuer_hash, '')), count(DISTINCT nullif(site_hash, '')),"
        " iif(max(site_hash) = '', count(DISTINCT nullif(source_hash, '')), 1), count(DISTINCT nullif(sex, ''))"
        " FROM image WHERE stated_hash NOT IN (SELECT value FROM json_each(?)) GROUP BY stated_hash",
        (json.dumps(sorted(unnamed_hashes(project))),),
    )
    shared = [row for row in rows if max(row[:3]) > 1]
    if not shared:
        return None
    counted = {name: sum(row[at] > 1 for row in shared) for at, name in enumerate(("issuer", "site", "source"))}
    by = {name: number for name, number in counted.items() if number}
    return SharedNumbers(len(shared), by, sum(row[3] > 1 for row in shared))


def preview_patients(project: Project, rule: PatientRule, given: Mapping[int, str | None] | None = None) -> RulePreview:
    """Say what a rule would do, and change nothing. given: image -> name, for a rule by table."""
    return _preview(project, rule, _told(project, rule, given or {}))


def identify_patients(
    project: Project, rule: PatientRule, given: Mapping[int, str | None] | None = None
) -> RulePreview:
    """Group images by the rule, those imported now and later ones; returns what it did. It can be undone.

    Where the rule finds nothing to go by, an image stands for itself. Raises RuleUnusable.
    """
    told = _told(project, rule, given or {})
    done = _preview(project, rule, told)
    stated = [(facts.stated_hash, image) for image, facts in told.facts.items()]
    with project.db as db:
        patients = dict(db.execute("SELECT id, patient_id FROM image"))
        kept = dict(db.execute("SELECT name, value FROM setting WHERE name IN ('patient_rule', 'constant_ids')"))
        before = [("patient", image, patients[image]) for image in told.hashes]
        settings = [("setting", name, kept.get(name)) for name in ("patient_rule", "constant_ids")]
        remember(db, "Saying what identifies a patient", [*before, *settings])
        db.executemany("UPDATE image SET stated_hash = ?1 WHERE id = ?2 AND stated_hash != ?1", stated)
        concerned = {told.facts[image].stated_hash for image in told.unidentified}
        constant = sorted({*json.loads(kept.get("constant_ids", "[]")), *concerned})
        db.execute("INSERT OR REPLACE INTO setting VALUES ('constant_ids', ?)", (json.dumps(constant),))
        db.execute("INSERT OR REPLACE INTO setting VALUES ('patient_rule', ?)", (rule.to_json(),))
        numbers = {name: patient_number(project, name) for name in dict.fromkeys(told.hashes.values())}
        rows = [(numbers[name], image) for image, name in told.hashes.items()]
        db.executemany("UPDATE image SET patient_id = ? WHERE id = ?", rows)
    return done


def patient_number(project: Project, id_hash: str) -> int:
    """The patient with that hash, made with the next pseudonym if there is none."""
    row = project.db.execute("SELECT id FROM patient WHERE id_hash = ?", (id_hash,)).fetchone()
    if row:
        return int(row[0])
    number = int(project.db.execute("SELECT coalesce(max(id), 0) + 1 FROM patient").fetchone()[0])
    project.db.execute("INSERT INTO patient VALUES (?, ?, ?)", (number, f"P{number:05d}", id_hash))
    return number


def whose(project: Project) -> dict[int, Whose]:
    """Image id -> what its patient may be known by."""
    places = {source.path_hash: source for source in project.sources.all()}
    known = kept_rule(project)
    found: dict[int, Whose] = {}
    rows = project.db.execute(
        "SELECT image.id, stated_hash, issuer_hash, site_hash, source_hash, study_hash, sop_hash, path_hash, id_hash"
        " FROM image JOIN patient ON patient.id = patient_id LEFT JOIN image_file ON image_file.image_id = image.id"
        " ORDER BY image.id, path_hash"
    )
    blank = project.keyed_hash("patient:")
    for image, stated, issuer, site, source, study, sop, path_hash, id_hash in rows:
        place = places.get(path_hash)
        if image in found and (place is None or found[image].location is not None):
            continue
        each = Whose(
            stated, issuer, site, source, study, sop, place.location if place else None, place.root if place else None
        )
        if known.by != "id" and stated == id_hash and patient_hash(project, each, _everywhere(known), ()) == id_hash:
            # Before format 5 what a file stated was not kept: this patient was made by the rule, so it stated nothing.
            each = Whose(blank, issuer, site, source, study, sop, each.location, each.root)
        found[image] = each
    return found


def _everywhere(rule: PatientRule) -> PatientRule:
    return PatientRule(rule.by, rule.level, rule.pattern, rule.one_place, everywhere=True)


@dataclass(frozen=True)
class _Told:
    """What a rule says of a project. facts: of every image; hashes: image -> the hash of its patient; ruled: images of
    whom the rule decides and not the stated ID; unplaced: how many it cannot tell, since their place is not known;
    unidentified: images that do not say whose they are as yet."""

    facts: dict[int, Whose]
    hashes: dict[int, str]
    ruled: list[int]
    unplaced: int
    unidentified: list[int]


def _told(project: Project, rule: PatientRule, given: Mapping[int, str | None]) -> _Told:
    unnamed, unidentified = unnamed_hashes(project), unidentified_images(project)
    told = _Told(whose(project), {}, [], 0, unidentified)
    waiting, unplaced = set(unidentified), 0
    for image, facts in told.facts.items():
        blank = unnamed | {facts.stated_hash} if image in waiting else unnamed
        decides = rule.by != "id" and (facts.stated_hash in blank or rule.everywhere)
        if rule.by == "table" and decides:
            if not given:
                continue  # the table was read when it was given; later changes of the rule leave its patients alone
            name = given.get(image)
            made = project.keyed_hash(f"patient:{name}") if name else by_itself(project, facts.sop_hash)
        else:
            made_or_none = patient_hash(project, facts, rule, blank)
            if made_or_none is None:
                unplaced += 1
                continue
            made = made_or_none
        told.hashes[image] = made
        if decides:
            told.ruled.append(image)
    return replace(told, unplaced=unplaced)


def _preview(project: Project, rule: PatientRule, told: _Told) -> RulePreview:
    now = dict(project.db.execute("SELECT image.id, id_hash FROM image JOIN patient ON patient.id = patient_id"))
    after = now | told.hashes
    split = latest_split(project)
    alone = sum(told.hashes[image] == by_itself(project, told.facts[image].sop_hash) for image in told.ruled)
    places = {image: place for image in told.ruled if (place := _place(rule, told.facts[image])) is not None}
    above: dict[str, set[str]] = defaultdict(set)
    for _, name, before in places.values():
        if name:
            above[name].add(before)
    return RulePreview(
        rule,
        images=len(told.ruled),
        patients_before=len(set(now.values())),
        patients_after=len(set(after.values())),
        moved=_moved(now, after),
        unplaced=told.unplaced,
        alone=0 if rule.by == "image" else alone,
        examples=_examples(places, told.hashes),
        elsewhere=sum(len(each) > 1 for each in above.values()),
        torn=torn_patients(project, split, after) if split else 0,
    )


def _moved(now: Mapping[int, str], after: Mapping[int, str]) -> int:
    """Images that would share their patient with others than now."""
    fellows_now, fellows_after = _fellows(now), _fellows(after)
    return sum(fellows_now[image] != fellows_after[image] for image in now)


def _fellows(patient_of: Mapping[int, str]) -> dict[int, frozenset[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for image, patient in patient_of.items():
        members[patient].append(image)
    groups = {patient: frozenset(images) for patient, images in members.items()}
    return {image: groups[patient] for image, patient in patient_of.items()}


def _place(rule: PatientRule, facts: Whose) -> tuple[str, str, str] | None:
    """(the path below the imported folder, the name that the rule finds there, what lies above the name)."""
    if rule.by not in ("folder", "name") or facts.location is None or facts.root is None:
        return None
    inside = shown("/".join(below(facts.location, facts.root)))
    name = shown(name_in_path(facts.location, facts.root, rule)).partition(":")[2].rpartition("/")[2]
    return inside, name, inside.partition(name)[0] if name else ""


def _examples(places: Mapping[int, tuple[str, str, str]], hashes: Mapping[int, str]) -> tuple[tuple[str, str], ...]:
    """One of each patient, the first by path."""
    one: dict[str, int] = {}
    for image in places:
        one.setdefault(hashes[image], image)
    return tuple((path, name) for path, name, _ in sorted(places[image] for image in one.values())[:EXAMPLES])
