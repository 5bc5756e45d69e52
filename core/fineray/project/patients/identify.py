"""Saying what identifies a patient: what would come of it, and doing it, for what is imported and what will be."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fineray.dicom.location import shown
from fineray.project.history import remember
from fineray.project.patients.placeholders import placeholder_hashes
from fineray.project.patients.rule import PatientRule, Whose, below, name_in_path, patient_hash
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
    hashes, ruled, unplaced = _hashes(project, rule, given or {})
    by_themselves = {project.keyed_hash("patient of image:" + facts.sop_hash) for facts in whose(project).values()}
    now = dict(project.db.execute("SELECT image.id, id_hash FROM image JOIN patient ON patient.id = patient_id"))
    after = now | hashes
    split = latest_split(project)
    return RulePreview(
        rule,
        images=len(ruled),
        patients_before=len(set(now.values())),
        patients_after=len(set(after.values())),
        moved=_moved(now, after),
        unplaced=unplaced,
        alone=0 if rule.by == "image" else sum(hashes[image] in by_themselves for image in ruled),
        examples=_examples(project, rule, {image: hashes[image] for image in ruled}),
        elsewhere=_elsewhere(project, rule, ruled),
        torn=torn_patients(project, split, after) if split else 0,
    )


def identify_patients(
    project: Project, rule: PatientRule, given: Mapping[int, str | None] | None = None
) -> RulePreview:
    """Group images by the rule, those imported now and later ones; returns what it did. It can be undone.

    Where the rule finds nothing to go by, an image stands for itself. Raises RuleUnusable.
    """
    done = preview_patients(project, rule, given)
    unidentified = unidentified_images(project)
    hashes, _, _ = _hashes(project, rule, given or {})
    stated = [(facts.stated_hash, image) for image, facts in whose(project).items()]
    with project.db as db:
        patients = dict(db.execute("SELECT id, patient_id FROM image"))
        kept = dict(db.execute("SELECT name, value FROM setting WHERE name IN ('patient_rule', 'constant_ids')"))
        before = [("patient", image, patients[image]) for image in hashes]
        settings = [("setting", name, kept.get(name)) for name in ("patient_rule", "constant_ids")]
        remember(db, "Saying what identifies a patient", [*before, *settings])
        db.executemany("UPDATE image SET stated_hash = ?1 WHERE id = ?2 AND stated_hash != ?1", stated)
        concerned = db.execute(
            "SELECT DISTINCT stated_hash FROM image WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(unidentified),),
        )
        constant = sorted({*json.loads(kept.get("constant_ids", "[]")), *(row[0] for row in concerned)})
        db.execute("INSERT OR REPLACE INTO setting VALUES ('constant_ids', ?)", (json.dumps(constant),))
        db.execute("INSERT OR REPLACE INTO setting VALUES ('patient_rule', ?)", (rule.to_json(),))
        numbers = {name: patient_number(project, name) for name in dict.fromkeys(hashes.values())}
        db.executemany(
            "UPDATE image SET patient_id = ? WHERE id = ?", [(numbers[name], image) for image, name in hashes.items()]
        )
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


def _hashes(
    project: Project, rule: PatientRule, given: Mapping[int, str | None]
) -> tuple[dict[int, str], list[int], int]:
    """(image -> the hash of its patient, images of whom the rule decides and not the stated ID, images of which it
    cannot, since their place is not known)."""
    unnamed = unnamed_hashes(project)
    waiting = set(unidentified_images(project))
    found: dict[int, str] = {}
    ruled, unplaced = list[int](), 0
    for image, facts in whose(project).items():
        blank = unnamed | {facts.stated_hash} if image in waiting else unnamed
        decides = rule.by != "id" and (facts.stated_hash in blank or rule.everywhere)
        if rule.by == "table" and decides:
            if not given:
                continue  # the table was read when it was given; later changes of the rule leave its patients alone
            name = given.get(image)
            made = project.keyed_hash(f"patient:{name}" if name else "patient of image:" + facts.sop_hash)
        else:
            made_or_none = patient_hash(project, facts, rule, blank)
            if made_or_none is None:
                unplaced += 1
                continue
            made = made_or_none
        found[image] = made
        if decides:
            ruled.append(image)
    return found, ruled, unplaced


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


def _places(project: Project, rule: PatientRule, images: Iterable[int]) -> dict[int, tuple[str, str, str]]:
    """Image -> (its path below the imported folder, the name that the rule finds there, what lies above the name)."""
    if rule.by not in ("folder", "name"):
        return {}
    found, facts = {}, whose(project)
    for image in images:
        place, root = facts[image].location, facts[image].root
        if place is None or root is None:
            continue
        name = name_in_path(place, root, rule)
        inside = shown("/".join(below(place, root)))
        short = shown(name).partition(":")[2].rpartition("/")[2]
        found[image] = (inside, short, inside.partition(short)[0] if short else "")
    return found


def _examples(project: Project, rule: PatientRule, hashes: Mapping[int, str]) -> tuple[tuple[str, str], ...]:
    one: dict[str, int] = {}
    for image, name in hashes.items():
        one.setdefault(name, image)
    places = sorted(_places(project, rule, one.values()).values())
    return tuple((path, name) for path, name, _ in places[:EXAMPLES])


def _elsewhere(project: Project, rule: PatientRule, images: Iterable[int]) -> int:
    above: dict[str, set[str]] = defaultdict(set)
    for _, name, before in _places(project, rule, images).values():
        if name:
            above[name].add(before)
    return sum(len(each) > 1 for each in above.values())
