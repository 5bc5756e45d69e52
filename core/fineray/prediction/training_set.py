"""What a run learned from, in summary: enough to tell strangers and drift, too little to tell a patient."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from fineray.prediction.likeness import HUNDREDTHS, Likeness
from fineray.project.attributes import NOT_STATED, attribute_names, attribute_values
from fineray.project.catalogue import content_hashes, patients_of, sealed_images
from fineray.project.feature_store import kept_features
from fineray.project.project import Project
from fineray.project.runs import RunFolder, learned_from

Floats = NDArray[np.float64]

TOLD = ("modality", "body_part", "view_position", "sex", "age_years", "manufacturer", "photometric")
FACTS_FILE, ARRAYS_FILE = "training_set.json", "training_set.safetensors"
_ARRAYS = ("mean", "scale", "components", "spread", "usual")


@dataclass(frozen=True)
class TrainingSet:
    """attributes: name -> value as text -> images; scores: hundredths of the out-of-sample probabilities of each class
    [101, classes]; learned, sealed: digests (see digest) of the contents learned from, and of those of the project's
    sealed test set; salt: hex, of these digests."""

    images: int
    attributes: dict[str, dict[str, int]]
    scores: Floats
    likeness: Likeness | None = None
    learned: frozenset[str] = frozenset()
    sealed: frozenset[str] = frozenset()
    salt: str = field(default_factory=lambda: secrets.token_hex(16))

    def digest(self, content_hash: str) -> str:
        """A content as this summary knows it: 32 hex digits that say nothing to who does not hold the image."""
        return hashlib.sha256(f"{self.salt} {content_hash}".encode()).hexdigest()[:32]

    def save(self, folder: Path) -> None:
        """Write into a run folder."""
        facts = {"format": 1, "images": self.images, "attributes": self.attributes, "salt": self.salt}
        arrays: dict[str, NDArray[np.generic]] = {"scores": self.scores}
        if self.likeness is not None:
            known = asdict(self.likeness)
            facts["likeness"] = {name: known[name] for name in ("widths", "off", "limit")}
            arrays |= {name: np.ascontiguousarray(known[name]) for name in _ARRAYS}
        for name, digests in (("learned", self.learned), ("sealed", self.sealed)):
            packed = bytes.fromhex("".join(sorted(digests)))
            arrays[name] = np.frombuffer(packed, dtype=np.uint8).reshape(-1, 16)
        (folder / FACTS_FILE).write_text(json.dumps(facts, indent=1), "utf-8")
        save_file(arrays, folder / ARRAYS_FILE)

    @staticmethod
    def load(folder: Path) -> TrainingSet:
        """Read what save() wrote. Raises KeyError, ValueError or SafetensorError where it is something else."""
        facts = json.loads((folder / FACTS_FILE).read_text("utf-8"))
        arrays = load_file(folder / ARRAYS_FILE)
        likeness = None
        if "likeness" in facts:
            told = facts["likeness"]
            fitted = {name: np.asarray(arrays[name], dtype=np.float64) for name in _ARRAYS}
            likeness = Likeness(
                widths=tuple(told["widths"]), off=float(told["off"]), limit=float(told["limit"]), **fitted
            )
        digests = {name: frozenset(row.tobytes().hex() for row in arrays[name]) for name in ("learned", "sealed")}
        return TrainingSet(
            facts["images"], facts["attributes"], arrays["scores"], likeness, salt=facts["salt"], **digests
        )


def training_set_of(project: Project, folder: RunFolder) -> TrainingSet:
    """Of a run trained here: from the project; of a model that was opened from a package: as it brought it along."""
    if (folder.path / FACTS_FILE).is_file():
        return TrainingSet.load(folder.path)
    # By content: the order in which files were read differs from import to import, and what follows should not.
    wanted = learned_from(project, folder)
    learned = {image: key for image, key in content_hashes(project).items() if image in wanted}
    predictions = folder.predictions()
    plain = TrainingSet(
        len(learned), attribute_counts(project, learned), np.quantile(predictions.probabilities, HUNDREDTHS, axis=0)
    )
    return TrainingSet(
        plain.images,
        plain.attributes,
        plain.scores,
        _likeness(project, folder, learned),
        frozenset(map(plain.digest, learned.values())),
        frozenset(plain.digest(image.content_hash) for image in sealed_images(project)),
        plain.salt,
    )


def attribute_counts(project: Project, images: Collection[int], fewest_patients: int = 1) -> dict[str, dict[str, int]]:
    """Attribute -> value -> images with it, the most frequent first; values that fewer patients have join those that
    are not stated."""
    patient_of = patients_of(project)
    found = {}
    for name in TOLD:
        values = attribute_values(project, name)
        having: dict[str, set[int]] = {}
        for image in images:
            having.setdefault(values[image], set()).add(patient_of[image])
        told = {value: value if len(patients) >= fewest_patients else NOT_STATED for value, patients in having.items()}
        found[name] = dict(Counter(told[values[image]] for image in images).most_common())
    return found


def title_of(project: Project, name: str) -> str:
    """An attribute in words."""
    return attribute_names(project)[name]


def _likeness(project: Project, folder: RunFolder, learned: dict[int, str]) -> Likeness | None:
    network = folder.metrics().backbone
    if not network.feature_space:
        return None
    widths = network.widths
    known = kept_features(project, network.feature_space, sum(widths), learned)
    return Likeness.of(np.array(list(known.values())), widths) if known else None
