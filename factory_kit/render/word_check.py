"""Word templates of users: fields, conditions and loops, and nothing else.

A template is a program for Jinja. What is allowed is listed; everything that is not listed is refused before anything runs,
and what runs does so in Jinja's sandbox.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docxtpl import DocxTemplate
from jinja2 import Environment, TemplateSyntaxError, nodes

from factory_kit.errors import UsageError

__all__ = ["check_template"]

ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test,
)  # fmt: skip
FILTERS = {"default", "first", "join", "last", "length", "lower", "upper"}
TESTS = {"defined", "undefined", "none"}
MOST_BYTES = 64 * 1024 * 1024
NAMES = {
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Include: "include",
    nodes.Extends: "extends",
    nodes.Macro: "macro",
    nodes.Call: "a call with ( )",
    nodes.CallBlock: "call",
    nodes.Assign: "set",
}


def check_template(path: Path, environment: Environment) -> list[nodes.Template]:
    """What the Word template *path* asks for; ``UsageError`` when it is no Word file or holds more than fields, conditions and loops."""
    trees = []
    for xml in _texts(path):
        try:
            tree = environment.parse(DocxTemplate(str(path)).patch_xml(xml))
        except TemplateSyntaxError as error:
            raise UsageError(
                "{file}: the template cannot be read as fields, if and for ({reason})",
                file=path.name,
                reason=_one_line(error.message or ""),
            ) from error
        for node in _walk(tree):
            found = _forbidden(node)
            if found:
                raise UsageError(
                    "{file}: the template uses {what}; a report template may hold only fields, if and for",
                    file=path.name,
                    what=found,
                )
        trees.append(tree)
    return trees


def _texts(path: Path) -> Iterator[str]:
    """The parts of the Word file that can hold template code."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > MOST_BYTES:
                raise UsageError(
                    "{file}: the template unpacks to more than {most} MB; use a smaller one",
                    file=path.name,
                    most=MOST_BYTES // 1024**2,
                )
            if "word/document.xml" not in archive.namelist():
                raise UsageError("{file}: is no Word document (.docx)", file=path.name)
            for name in archive.namelist():
                if name.endswith(".xml") and name.startswith(("word/", "docProps/")):
                    yield archive.read(name).decode("utf-8")
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise UsageError("{file}: is no Word document (.docx)", file=path.name) from error


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _forbidden(node: nodes.Node) -> str:
    """What *node* is when it must not stand in a template; empty when it may."""
    match node:
        case nodes.Getattr(attr=name) if str(name).startswith("_"):
            return f"the name {name}"
        case nodes.Getitem(arg=nodes.Const(value=name)) if str(name).startswith("_"):
            return f"the name {name}"
        case nodes.Filter(name=name) if name not in FILTERS:
            return f"the filter {name}"
        case nodes.Test(name=name) if name not in TESTS:
            return f"the test {name}"
        case nodes.Getitem(arg=arg) if not isinstance(arg, nodes.Const | nodes.Name):
            return "a computed index"
        case _:
            kind: Any = type(node)
            return "" if isinstance(node, ALLOWED) else NAMES.get(kind, kind.__name__.lower())


def _one_line(text: str) -> str:
    return " ".join(text.split())
