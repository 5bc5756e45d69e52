"""How Sphinx makes the documentation site (docs/build_site): the guide from Markdown, the API from docstrings.

Nothing is fetched when it is built, and nothing when it is read: it opens from a folder, with its search.
"""

import json
import re
from pathlib import Path

import fineray

HERE = Path(__file__).resolve().parent

project = "Fineray"
author = "Fineray contributors"
copyright = "Fineray contributors, Apache License 2.0"
version = release = fineray.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]  # the notebook comes as a page that is made of it
myst_heading_anchors = 3
default_role = "py:obj"

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_default_options = {"members": True}
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
add_module_names = False
autodoc_preserve_defaults = True

html_theme = "furo"  # MIT; system fonts, no script from elsewhere
html_title = f"Fineray {release}"
html_favicon = str(HERE.parent / "resources" / "fineray_resources" / "fineray.svg")
html_copy_source = html_show_sourcelink = False
html_show_search_summary = False  # it would fetch each page that is found, which a browser refuses to a folder
html_theme_options = {"footer_icons": []}
pygments_style, pygments_dark_style = "tango", "monokai"


# Pages that stand elsewhere in the repository: where, and what their links to it become here.
ELSEWHERE = {"index": "README.md", "changes": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
LINKS = (
    (r"\]\(docs/decisions\)", "](decisions/README.md)"),
    (r"\]\(docs/examples/first_study\.ipynb\)", "](first-study.md)"),
    (r"\]\(docs/", "]("),
    (r"\]\(CHANGELOG\.md\)", "](changes.md)"),
    (r"\]\(CONTRIBUTING\.md\)", "](contributing.md)"),
    (r"\[([^]]*)\]\(LICENSE\)", r"\1"),
)
NOTEBOOK = {"first-study": "examples/first_study.ipynb"}


def as_page(text: str) -> str:
    """A file of the repository's root as it stands beside the other pages."""
    for link, here in LINKS:
        text = re.sub(link, here, text)
    return text


def as_markdown(notebook: str) -> str:
    """A page of a notebook's cells: text as it stands, code in fences."""
    cells = json.loads(notebook)["cells"]
    texts = ((cell["cell_type"], "".join(cell["source"])) for cell in cells)
    return "\n\n".join(f"```python\n{text}\n```" if kind == "code" else text for kind, text in texts) + "\n"


def _read(_app: object, page: str, source: list[str]) -> None:
    """The page's own text, here the list of pages below it, comes after what it is made of."""
    if page in ELSEWHERE:
        source[0] = f"{as_page((HERE.parent / ELSEWHERE[page]).read_text('utf-8'))}\n{source[0]}"
    elif page in NOTEBOOK:
        source[0] = as_markdown((HERE / NOTEBOOK[page]).read_text("utf-8"))


def setup(app):  # type: ignore[no-untyped-def]  # Sphinx's own hook
    app.connect("source-read", _read)
