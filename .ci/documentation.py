"""What MkDocs asks while it builds the documentation: generated pages, links to files beside ``docs``, languages, the index of the search."""

from __future__ import annotations

import importlib.util
import json
import posixpath
import re
from html import unescape
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).resolve().parent.parent
BESIDE = {
    "README.md": "project/readme.md",
    "README.zh.md": "project/readme.zh.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "LICENSE": "project/licence.txt",
    "connectors": "reference/en/connectors.md",
    "assessments": "reference/en/models.md",
    "datasets": "reference/en/datasets.md",
}
"""Files and folders of the repository that pages link to, and where the site shows them."""
ORIGINS = {page: beside for beside, page in BESIDE.items() if beside.endswith(".md")}
LINK = re.compile(r"(?P<open>\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?=\))")
WHOLE = re.compile(r"(?<!!)\[(?P<text>[^\[\]]*)\]\((?P<target>[^)\s#:]+)(?:#[^)\s]*)?\)")
"""A link; one to a file of the repository that the site does not show becomes its name."""
PICTURE = re.compile(r'(?P<open><(?:img|source)\b[^>]*\bsrc(?:set)?=")(?P<target>[^"#]+)(?P<anchor>)(?=")')
FENCE = re.compile(r"^(?P<mark>`{3,}).*?^(?P=mark)\s*?$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r'<h([123]) id="([^"]*)"[^>]*>(.*?)</h\1>', re.DOTALL)

found: list[dict[str, str]] = []


def on_config(config: Any) -> Any:
    """The build begins: nothing is found yet; a page that mkdocs.yml does not name stands among the English how-tos."""
    found.clear()
    named = json.dumps(config["nav"])
    how_to = next(part["How to"] for part in config["nav"][0]["en"] if "How to" in part)
    for path in sorted((ROOT / "docs").glob("*.md")):
        if f'"{path.name}"' not in named:
            how_to.append({path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "): path.name})
    return config


def on_files(files: Any, config: Any) -> Any:
    """The pages that are made: the reference, and the documents beside ``docs``."""
    for name, text in _reference().pages():
        files.append(File.generated(config, name, content=text))
    for beside, page in BESIDE.items():
        path = ROOT / beside
        if path.is_file():
            files.append(File.generated(config, page, content=path.read_text(encoding="utf-8")))
    return files


def _reference() -> Any:
    import sys

    spec = importlib.util.spec_from_file_location("reference", ROOT / ".ci" / "reference.py")
    if spec is None or spec.loader is None:
        raise ImportError("reference.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    spec.loader.exec_module(module)
    return module


def on_page_markdown(markdown: str, page: Any, **_rest: Any) -> str:
    """Links to files of the repository lead to where the site shows them; blocks of code stay as they are."""
    parts, at = [], 0
    for block in FENCE.finditer(markdown):
        parts += [_links(markdown[at : block.start()], page.file.src_uri), block.group()]
        at = block.end()
    return "".join((*parts, _links(markdown[at:], page.file.src_uri)))


def _links(text: str, page: str) -> str:
    origin = ORIGINS.get(page, "docs/" + page)

    def led(match: re.Match[str]) -> str:
        target = match["target"]
        if re.match(r"[a-z]+:|/|#", target):
            return match.group()
        where = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        place = BESIDE.get(where, where.removeprefix("docs/"))
        return match["open"] + posixpath.relpath(place, posixpath.dirname(page) or ".") + (match["anchor"] or "")

    def named(match: re.Match[str]) -> str:
        where = posixpath.normpath(posixpath.join(posixpath.dirname(origin), match["target"]))
        elsewhere = not where.startswith("docs/") and where not in BESIDE and (ROOT / where).exists()
        return f"{match['text']} (`{where}`)" if elsewhere else match.group()

    return PICTURE.sub(led, LINK.sub(led, WHOLE.sub(named, text)))


def on_page_content(html: str, page: Any, **_rest: Any) -> str:
    """The text of each section goes into the index of the search."""
    marks = list(HEADING.finditer(html))
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(html)
        found.append(
            {
                "lang": language(page.file.src_uri),
                "page": page.title or "",
                "title": _plain(mark[3].replace('title="Permanent link">#</a>', "></a>")),
                "url": f"{page.url}#{mark[2]}" if mark[1] != "1" else page.url,
                "text": _plain(html[mark.end() : end]),
            }
        )
    return re.sub(r"(<table>.*?</table>)", r'<div class="wide">\1</div>', html, flags=re.DOTALL)


def _plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def language(source: str) -> str:
    """Which language a page is in."""
    return "zh" if source.endswith(".zh.md") or "/zh/" in source else "en"


def twin(source: str) -> str:
    """The same page in the other language, if there is one."""
    if "/zh/" in source or "/en/" in source:
        return source.replace("/zh/", "/en/") if "/zh/" in source else source.replace("/en/", "/zh/")
    if source.endswith(".zh.md"):
        stem = source.removesuffix(".zh.md")
        return f"{stem}.en.md" if "tutorials/" in stem else f"{stem}.md"
    return source.removesuffix(".en.md").removesuffix(".md") + ".zh.md"


def on_page_context(context: Any, page: Any, nav: Any, **_rest: Any) -> Any:
    """What the theme asks: the language, the same page in the other, and the tree of pages."""
    files = {one.file.src_uri: one for one in nav.pages}
    context["lang"] = language(page.file.src_uri)
    other = files.get(twin(page.file.src_uri)) or files["index.md" if context["lang"] == "zh" else "index.zh.md"]
    context["other"] = other
    trees = {top.title: top.children for top in nav.items}
    context["tree"] = trees[context["lang"]]
    context["more"] = [one for one in trees["en"] if one.title == "How to"] if context["lang"] == "zh" else []
    return context


def on_post_build(config: Any) -> None:
    """The index of the search, and the colours of code."""
    folder = Path(config["site_dir"])
    (folder / "search.index.js").write_text(
        "window.PAGES=" + json.dumps(found, ensure_ascii=False) + ";", encoding="utf-8"
    )
    light = HtmlFormatter(style="default").get_style_defs(".codehilite")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".codehilite")
    (folder / "code.css").write_text(f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n", encoding="utf-8")
