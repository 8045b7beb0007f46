"""Adds the pages outside docs/ to the site, and leads all links to the pages of the site."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\[(?P<text>[^]]*)\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)]*)?\)")

OUTSIDE = {
    "benchmarks/RESULTS.md": "results.md",
    "cartoon_tfds/README.md": "datasets.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "pix2pix_flax/pretrained/shipped/ATTRIBUTION.md": "attribution.md",
    "SECURITY.md": "security.md",
}
"""Names in the site of pages outside docs/, by their paths in the repository."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of `OUTSIDE`."""
    for source, name in OUTSIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(_ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads the links of a page to pages of the site; a link to source code becomes its text."""
    del config, files
    source = Path(page.file.abs_src_path).relative_to(_ROOT).as_posix()

    def lead(link: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["path"]))
        name = OUTSIDE.get(target) or target.removeprefix("docs/")
        if name == target:  # outside docs/, and no page
            return f"`{link['text']}`"
        return f"[{link['text']}]({name}{link['anchor'] or ''})"

    return _LINK.sub(lead, markdown)
