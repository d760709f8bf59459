"""What MkDocs does in addition for this project (mkdocs.yml names this module)."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[2]
_MERMAID = "assets/mermaid.min.js"
#: Pages of the site that are in the folder of README.md, where code hosts look for them.
_AT_THE_TOP = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
}
_LINK = re.compile(r"\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages from the folder of README.md, and the script that draws diagrams."""
    for name, page in _AT_THE_TOP.items():
        files.append(File.generated(config, page, content=_from_the_top(_ROOT / name)))
    files.append(File.generated(config, _MERMAID, abs_src_path=str(_ROOT / ".tools" / "mermaid.min.js")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links that leave docs/ to the pages of the site."""
    del config, files
    if page.file.src_uri in _AT_THE_TOP.values():
        return markdown
    depth = page.file.src_uri.count("/")
    return _LINK.sub(lambda link: _in_the_site(link, depth), markdown)


def _from_the_top(source: Path) -> str:
    """Return a page with its links as they are in the site."""

    def inside(link: re.Match[str]) -> str:
        path = link["path"].removeprefix("docs/")
        return f"]({_AT_THE_TOP.get(path, path)}{link['anchor'] or ''})"

    return _LINK.sub(inside, source.read_text(encoding="utf-8"))


def _in_the_site(link: re.Match[str], depth: int) -> str:
    up = "../" * depth
    name = link["path"].removeprefix("../" * (depth + 1))
    if link["path"] == f"../{up}{name}" and name in _AT_THE_TOP:
        return f"]({up}{_AT_THE_TOP[name]}{link['anchor'] or ''})"
    return link[0]
