"""The documentation site: every name of the face, a search, and nothing fetched from anywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import fineray

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = {name for name in fineray.__all__ if name not in ("RESEARCH_USE", "__version__")}
LOADED = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "form": "action",
}
TEXT = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import\s+[\"'](?:https?:)?//")


class _Loads(HTMLParser):
    """What a page loads, but for links that a reader may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.places += [value or "" for name, value in attrs if name == LOADED.get(tag)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew without a warning."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, DOCS / "build_site", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_api_page_lists_each_name_of_the_face() -> None:
    listed = re.findall(
        r"^\.\. auto(?:function|class):: fineray\.(\w+)$", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(listed) == len(set(listed)) and set(listed) == NAMES


@pytest.mark.slow
def test_it_opens_from_a_folder_with_its_search(site: Path) -> None:
    api = (site / "api.html").read_text("utf-8")
    assert all(f'id="fineray.{name}"' in api for name in NAMES)
    assert "write_study(folder" in re.sub("<[^>]+>", "", (site / "first-study.html").read_text("utf-8"))
    assert 'src="searchindex.js"' in (site / "search.html").read_text("utf-8")  # a script, which a folder may load
    assert '"read_radiograph"' in (site / "searchindex.js").read_text("utf-8")
    assert "Clopper-Pearson" in (site / "statistics.html").read_text("utf-8")


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = _Loads()
        loads.feed(page.read_text("utf-8"))
        assert loads.places, page
        outside = [place for place in loads.places if re.match(r"(https?:)?//", place)]
        assert not outside, f"{page}: {outside}"
        missing = [each for each in loads.places if each and not (page.parent / re.split("[?#]", each)[0]).exists()]
        assert not missing, f"{page}: {missing}"
    for path in (*site.rglob("*.css"), *site.rglob("*.js")):
        assert not TEXT.search(path.read_text("utf-8")), path


@pytest.mark.slow
def test_what_it_brings_along_may_be_given_away(site: Path) -> None:
    told = (site / "licences.txt").read_text("utf-8")
    assert all(f"\n{name} " in told for name in ("furo", "Sphinx", "snowballstemmer", "Pygments", "sphinx-basic-ng"))
    assert "General Public License" not in told and told.count("WITHOUT WARRANTY") + told.count("AS IS") >= 4
