"""Source files without a test file of their own name: which test files exercise them, and why these.

A folder stands for the files in it; tests/test_tree.py holds that each file is really come to from one of them.
"""

from __future__ import annotations

COVERED: dict[str, tuple[str, ...]] = {}


def _by(reason: str, tests: tuple[str, ...], *modules: str) -> None:
    """These modules, or folders, are tested in those files; reason: why there."""
    assert reason
    COVERED.update(dict.fromkeys(modules, tests))


_by(
    "a networks' parts are judged by the features that come out of the whole",
    ("core/backbones/test_weights.py", "core/backbones/test_adding.py", "core/backbones/test_layouts.py"),
    "fineray.backbones",
)
_by("each check is shown by what it says of planted images", ("core/checks/test_checks.py",), "fineray.checks")
_by("commands are tested as they are given", ("end_to_end/test_command_line.py",), "fineray.cli")
_by("pictures of the demo are judged as a study", ("core/demo/test_study.py",), "fineray.demo")
_by(
    "one reads a file through all of them",
    (
        *("core/dicom/test_read.py", "core/dicom/test_archives_and_pictures.py", "core/dicom/test_dataset.py"),
        *("core/dicom/test_presentation.py", "core/dicom/test_deidentify.py"),
    ),
    "fineray.dicom",
)
_by("codes in results are held to a validator", ("core/export/test_dicom_results.py",), "fineray.dicom.terms")
_by("requests and jobs are tested through the worker", ("core/engine/test_worker.py",), "fineray.engine")
_by(
    "figures that are shown together are compared with published ones together",
    ("core/evaluation/test_binary_metrics.py", "core/evaluation/test_comparison.py", "core/evaluation/test_metrics.py"),
    "fineray.evaluation",
)
_by("a map is judged by what was planted", ("core/explaining/test_explaining.py",), "fineray.explaining")
_by("what is kept of maps is what the report tells", ("core/report/test_checklists.py",), "fineray.explaining.kept")
_by(
    "each form is opened by another program",
    ("core/export/test_other_programs.py", "core/export/test_dicom_results.py", "core/export/test_deidentified.py"),
    "fineray.export",
)
_by("statistics go back from elsewhere", ("core/prediction/test_elsewhere.py",), "fineray.export.statistics")
_by("its words stand in labels of several findings", ("core/project/test_label_sets.py",), "fineray.label_values")
_by("a package is written and opened as a whole", ("core/package/test_package.py",), "fineray.package")
_by(
    "archives that misbehave, and Orthanc",
    ("core/pacs/test_bad_peers.py", "core/pacs/beside_orthanc.py"),
    "fineray.pacs",
)
_by(
    "a model is applied to images as a whole",
    ("core/prediction/test_predict.py", "core/prediction/test_elsewhere.py", "core/package/test_package.py"),
    "fineray.prediction",
)
_by("what is reported is heard in every job", ("core/training/test_train.py",), "fineray.progress")
_by(
    "the project's rooms are tested by what a user does in them",
    (
        *("core/project/test_project.py", "core/project/test_label_sets.py", "core/project/files/test_importing.py"),
        *("core/project/labels/test_preview.py", "core/project/labels/test_readings.py"),
        *("core/project/splitting/test_make.py", "core/project/splitting/test_assign.py"),
        *("core/training/test_opening.py", "core/report/test_checklists.py"),
    ),
    "fineray.project",
)
_by(
    "a report is judged by what it says",
    ("core/report/test_report.py", "core/report/test_checklists.py"),
    "fineray.report",
)
_by("the review is judged where models are", ("core/prediction/test_elsewhere.py",), "fineray.review")
_by(
    "what keeps the whole program quiet and whole is tested on the whole program",
    ("robustness/test_network.py", "desktop/test_loading_told.py", "desktop/start/test_first_start.py"),
    "fineray.system",
)
_by("outputs are whole or not there", ("core/prediction/test_predict.py",), "fineray.system.output_file")
_by(
    "one training goes through all of them",
    (
        *("core/training/test_train.py", "core/training/test_resuming.py", "core/training/head/test_head.py"),
        *("core/training/tuning/test_finetuning.py", "core/training/choosing/test_ranking.py"),
    ),
    "fineray.training",
)
_by("the program's door", ("desktop/test_start.py", "desktop/start/test_first_start.py"), "fineray_desktop.app")
_by("closing and leaving with work under way", ("desktop/train/test_pausing.py",), *(
    f"fineray_desktop.{name}" for name in ("closing", "leaving", "session", "main_window")
))  # fmt: skip
_by("keys, wheels and what is cut off, on every page", ("desktop/test_keys.py",), "fineray_desktop.manners")
_by("what is loaded is told", ("desktop/test_loading_told.py",), "fineray_desktop.loading")
_by("the look, which layouts depend on", ("desktop/test_layout.py",), "fineray_desktop.theme")
_by(
    "a page is tested as it stands in the window",
    ("desktop/curate/test_page.py", "desktop/curate/test_labelling.py"),
    "fineray_desktop.curate",
)
_by("dialogs of Help", ("robustness/test_network.py", "desktop/start/test_first_start.py"), "fineray_desktop.help")
_by("a page is tested as it stands in the window", ("desktop/importing/test_page.py",), "fineray_desktop.importing")
_by("the dialog's tabs are tested as it goes", ("desktop/pacs/test_dialog.py",), "fineray_desktop.pacs")
_by(
    "a page is tested as it stands in the window",
    ("desktop/predict/test_page.py", "desktop/predict/test_models_at_work.py"),
    "fineray_desktop.predict",
)
_by(
    "a page is tested as it stands in the window",
    ("desktop/review/test_page.py", "desktop/review/test_operating_point.py", "desktop/review/test_lists.py"),
    "fineray_desktop.review",
)
_by(
    "first start, tour and demo",
    ("desktop/start/test_first_start.py", "desktop/start/test_page.py"),
    "fineray_desktop.start",
)
_by(
    "a page is tested as it stands in the window",
    ("desktop/train/test_page.py", "desktop/train/test_pausing.py"),
    "fineray_desktop.train",
)
_by(
    "tables stand in pages",
    ("desktop/test_widgets.py", "desktop/curate/test_page.py", "desktop/predict/test_page.py", "desktop/test_start.py"),
    "fineray_desktop.models",
)
_by(
    "parts that several pages share",
    ("desktop/test_widgets.py", "desktop/test_layout_checker.py", "desktop/test_keys.py"),
    "fineray_desktop.widgets",
)
_by(
    "a collection is judged by what comes over of it",
    ("core/project/layouts/test_layouts.py",),
    "fineray.project.layouts",
)
_by(
    "whose an image is, is judged by whole studies",
    ("core/project/patients/test_identify.py",),
    "fineray.project.patients",
)
_by("what is tried again", ("core/project/files/test_image_writer.py",), "fineray.project.files.reader")
_by(
    "kinds of files are shown and said",
    ("desktop/importing/test_page.py",),
    "fineray.project.files.file_kinds",
    "fineray_desktop.models.file_kinds_model",
)
_by("what a project allows is shown by the window", ("desktop/test_start.py",), "fineray.project.state")
_by("studies of an archive", ("desktop/pacs/test_dialog.py",), "fineray_desktop.models.studies_model")
_by("names of the face", ("core/test_face.py",), "fineray")
