"""The documentation as a site: it builds without a warning, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_each_page_of_docs_is_a_page_of_the_site(site):
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages | {"security", "datasets", "contributing"} <= {p.stem for p in site.glob("*.html")}


def test_pages_load_nothing_from_elsewhere(site):
    loaded = r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>"
    found = {
        match
        for page in site.rglob("*.html")
        for match in re.findall(loaded, page.read_text())
        if 'rel="canonical"' not in match
    }
    assert not found


def test_the_reference_has_the_docstrings(site):
    page = (site / "api.html").read_text()
    for text in ("Draws photographs as cartoons.", "pix2pix_flax.train.loop.train", "UserError"):
        assert text in page


def test_colours_follow_the_machine_until_a_reader_chooses(site):
    first = re.search(r'data-md-color-media=["\']?([^"\'>]+)', (site / "index.html").read_text())
    assert first[1].strip() == "(prefers-color-scheme)"
