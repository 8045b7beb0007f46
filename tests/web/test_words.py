"""The French of the page is complete, and has no leftovers; test_page.py looks at the browser."""

import html.parser
import re

import pytest

from pix2pix_flax.serve.site import NETWORKS, source

WORDS = source() / "js" / "words.js"
TEXT = r'"((?:[^"\\]|\\.)*)"'
HOLES = re.compile(r"\{\w+\}")


def french():
    """Returns the table of the page: French by English."""
    table = re.search(r"const FRENCH = \{\n(.*?)\n\};", WORDS.read_text("utf-8"), re.DOTALL)[1]
    joined = re.sub(r'" \+\s+"', "", table)
    return dict(re.findall(rf"^  {TEXT}:\s+{TEXT},$", joined, re.MULTILINE))


def scripts():
    """Returns the text of the page's scripts, without the table."""
    others = sorted(path for path in WORDS.parent.glob("*.js") if path != WORDS)
    return "\n".join(path.read_text("utf-8") for path in others)


class Texts(html.parser.HTMLParser):
    """Collects what a user of the page reads or hears."""

    def __init__(self):
        super().__init__()
        self.found, self._tag = set(), ""

    def handle_starttag(self, tag, attrs):
        self._tag = tag
        self.found.update(value for name, value in attrs if name == "aria-label")

    def handle_data(self, data):
        text = " ".join(data.split())
        if self._tag != "code" and text:
            self.found.add(text)


def page():
    texts = Texts()
    texts.feed((source() / "index.html").read_text("utf-8"))
    return texts.found - {"."}


def test_all_texts_of_the_page_are_in_french_too():
    assert len(page()) > 20
    assert page() <= french().keys()
    assert set(NETWORKS.values()) <= french().keys()


def test_all_texts_of_the_scripts_are_in_french_too():
    called = set(re.findall(rf"\bwords\({TEXT}", scripts()))
    assert len(called) > 8
    assert called <= french().keys()
    sentences = {text for text in re.findall(TEXT, scripts()) if re.search(r"[a-z] [a-z]", text)}
    engine_and_worker = {text for text in sentences if text.startswith("the worker")}
    assert sentences - engine_and_worker <= french().keys()


def test_the_table_has_no_leftovers():
    used = page() | set(NETWORKS.values()) | set(re.findall(TEXT, scripts()))
    assert french().keys() <= used


@pytest.mark.parametrize(("english", "other"), french().items())
def test_values_have_their_places(english, other):
    assert sorted(HOLES.findall(english)) == sorted(HOLES.findall(other))
