"""Rows as examples: ten that found their images, and ten that did not, with what they might mean."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import combinations

from fineray.project.labels.keys import KINDS, Rule
from fineray.project.labels.matching import Match, Matcher, applicable
from fineray.project.labels.outcome import Entry, RowShown

EXAMPLES = 10
MOST_NAMES = 20_000  # files that a name is compared with
ASKED: dict[Rule, str] = {
    "zeros": "leading zeros?",
    "decimal": "“.0” at the end?",
    "case": "capital and small letters?",
    "extension": "the extension?",
    "path": "the path's end?",
}


def matched_examples(entries: Sequence[Entry], matches: Sequence[Match]) -> tuple[RowShown, ...]:
    """The first rows that found images; where by a rule, how the key stands in the project."""
    by_row = {match.line: match for match in matches}
    shown = []
    for each in entries[:EXAMPLES]:
        match = by_row[each.row]
        key = " ".join(filter(None, (each.key, match.beside)))
        shown.append(RowShown(each.row, key, each.label, len(each.images), f"as {match.as_}" if match.as_ else ""))
    return tuple(shown)


def unmatched_examples(entries: Sequence[Entry], matcher: Matcher, rules: frozenset[Rule]) -> tuple[RowShown, ...]:
    """The first different keys that found none, with what they might mean."""
    first = list({each.key: each for each in reversed(entries)}.values())[::-1][:EXAMPLES]
    names = matcher.keys.names()[:MOST_NAMES] if first and matcher.kind in ("file", "folder") else []
    return tuple(RowShown(each.row, each.key, each.label, 0, _hint(each.key, matcher, rules, names)) for each in first)


def _hint(entry: str, matcher: Matcher, rules: frozenset[Rule], names: Sequence[str]) -> str:
    find = matcher.keys.finder(matcher.kind)
    off = [rule for rule in applicable(matcher.kind) if rule not in rules]
    for more in (some for number in range(1, len(off) + 1) for some in combinations(off, number)):
        found = find(entry, rules | frozenset(more))
        if found.images or found.ambiguous:
            asked = " and ".join(ASKED[rule].rstrip("?") for rule in more) + "?"
            return f"{'several: ' if found.ambiguous else ''}“{found.as_}”, {asked}"
    other = next((kind for kind in KINDS if kind != matcher.kind and matcher.keys.find(kind, entry).images), None)
    if other is not None:
        return f"is a {KINDS[other]} of the project"
    return _nearest(entry, names)


def _nearest(entry: str, names: Sequence[str]) -> str:
    """The file whose path's end is most alike."""
    if not names:
        return "nothing like it is in the project"
    length = max(1, min(3, len([part for part in entry.replace("\\", "/").split("/") if part])))
    ends = list(dict.fromkeys("/".join(name.split("/")[-length:]) for name in names))
    close = difflib.get_close_matches(entry.replace("\\", "/")[-80:], ends, n=2, cutoff=0.6)
    return f"nearest: {' and '.join(close)}" if close else "no file is called like it"
