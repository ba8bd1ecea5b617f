"""The message catalogues: ``python .ci/messages.py`` collects and compiles, ``--check`` fails where a text lacks its Chinese."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "factory_kit"
LANGUAGES = {"zh_CN": "zh", "en": "en"}
UNDATED = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands in the headers, so that the same texts give the same bytes at any time."""
MARKERS = {"_": None, "N_": None, "mistake": None}


def main() -> int:
    """0 when the catalogues are complete and current."""
    template = _template()
    findings = list(_indirect_messages())
    for folder in LANGUAGES:
        findings += _bring_up_to_date(folder, template, only_check="--check" in sys.argv)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def _template() -> Catalog:
    catalogue = Catalog(project="factory-kit", charset="utf-8", header_comment="# Texts of Factory Kit.")
    markers = MARKERS | dict.fromkeys(_exception_names())
    method = [("**.py", "python")]
    for file, _line, message, _comments, _context in extract_from_dir(str(PACKAGE), method, keywords=markers):
        if isinstance(message, str) and message:
            catalogue.add(message, locations=[(f"factory_kit/{Path(file).as_posix()}", 0)])
    return catalogue


def _exception_names() -> list[str]:
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.bases and node.name not in {"DefinitionError", "Reasons"}
    ]


def _bring_up_to_date(folder: str, template: Catalog, *, only_check: bool) -> Iterator[str]:
    path = PACKAGE / "locale" / folder / "LC_MESSAGES" / "factory_kit.po"
    old = read_po(io.BytesIO(path.read_bytes()), locale=folder) if path.exists() else Catalog(locale=folder)
    fresh = Catalog(
        locale=folder, project="factory-kit", charset="utf-8", header_comment="# Texts of Factory Kit.", fuzzy=False
    )
    fresh.creation_date = fresh.revision_date = UNDATED
    for message in sorted((m for m in template if m.id), key=lambda m: str(m.id)):
        known = old.get(message.id)
        fresh.add(message.id, known.string if known else "", locations=sorted(set(message.locations)))
    if folder != "en":
        yield from (
            f"{path.relative_to(ROOT)}: no Chinese for {message.id!r} ({message.locations[0][0]})"
            for message in fresh
            if message.id and not message.string
        )
        yield from (
            f"{path.relative_to(ROOT)}: {problem}"
            for message in fresh
            if message.string
            for problem in _placeholders(message)
        )
    texts, machine = io.BytesIO(), io.BytesIO()
    write_po(texts, fresh, width=0, omit_header=False, include_lineno=False)
    write_mo(machine, fresh)
    for file, content in ((path, _undated(texts.getvalue())), (path.with_suffix(".mo"), _undated(machine.getvalue()))):
        if not file.exists() or _undated(file.read_bytes()) != content:
            if only_check:
                yield f"{file.relative_to(ROOT)}: is not current; run make messages"
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)


def _undated(content: bytes) -> bytes:
    """*content* without the header lines that change with every run."""
    dropped = (
        b'"POT-Creation-Date',
        b'"PO-Revision-Date',
        b'"Generated-By',
        b"POT-Creation-Date",
        b"PO-Revision-Date",
        b"Generated-By",
    )
    if content[:4] in (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde"):
        return content
    return b"\n".join(line for line in content.split(b"\n") if not line.startswith(dropped))


def _placeholders(message: Message) -> Iterator[str]:
    wanted, given = _names(str(message.id)), _names(str(message.string))
    if wanted != given:
        yield f"{message.id!r}: the translation has the details {sorted(given)}, expected {sorted(wanted)}"


def _names(text: str) -> set[str]:
    import string

    return {name.partition(".")[0] for _literal, name, _spec, _conversion in string.Formatter().parse(text) if name}


def _is_template(argument: ast.expr) -> bool:
    """Whether it is a literal, a constant named in capitals, or the template of another error that is passed on."""
    if isinstance(argument, ast.Attribute):
        return argument.attr == "message"
    return isinstance(argument, ast.Constant) or (isinstance(argument, ast.Name) and argument.id.isupper())


def _indirect_messages() -> Iterator[str]:
    """Places where a message is built before it reaches its exception: it could never be translated."""
    names = set(_exception_names()) | {"mistake"}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if called in names and file.name != "errors.py" and not (node.args and _is_template(node.args[0])):
                yield f"{file.relative_to(ROOT)}:{node.lineno}: {called} needs a literal message"


if __name__ == "__main__":
    sys.exit(main())
