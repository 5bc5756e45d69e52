"""CLAIM 2024 and TRIPOD+AI: what the report itself can answer, and what the author must.

Items in short words of our own; the published checklists (Tejani 2024; Collins 2024) are what counts. Each answer is a
function of the facts that gives a sentence, or None where no record shows what is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import resources

from fineray.report import answers_data, answers_model, answers_results
from fineray.report.document import Table
from fineray.report.facts import Facts

AUTHOR = "— for the author to supply —"
ANSWERS: Mapping[str, Callable[[Facts], str | None]] = {
    **answers_data.ANSWERS,
    **answers_model.ANSWERS,
    **answers_results.ANSWERS,
}


def checklist_tables(facts: Facts) -> list[Table]:
    """One table a checklist."""
    text = resources.files("fineray_resources").joinpath("checklists.json").read_text("utf-8")
    answers = {name: answer(facts) for name, answer in ANSWERS.items()}
    return [
        Table(
            name.lower().replace(" ", "-").replace("+", "-"),
            name,
            ("Item", "Asks for", "This study"),
            [
                (each["item"], each["asks"], (answers[each["fill"]] if each["fill"] else None) or AUTHOR)
                for each in items
            ],
            f"{sum(bool(each['fill'] and answers[each['fill']]) for each in items)} of {len(items)} items are answered"
            " from the project, in part or whole; read each before you submit it.",
        )
        for name, items in json.loads(text).items()
    ]
