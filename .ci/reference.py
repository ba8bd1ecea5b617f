"""The reference pages of the documentation, made from code and data: ``python .ci/reference.py DIR`` writes them for reading.

The site makes them itself whenever it is built (``.ci/documentation.py``). They are not committed: what is made from the code at hand is always current.
"""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "factory_kit"
LANGUAGES = ("en", "zh")
NOTES = {"_", "N_"}
KINDS = {"mistake": "DefinitionError", "Problem": "DefinitionError", "notice": "Notice"}
"""Calls that hold a template: a mistake in a definition, a line of the collection; every exception of errors.py joins them."""


def pages() -> Iterator[tuple[str, str]]:
    """Path below ``docs`` and Markdown of each page, both languages."""
    for lang in LANGUAGES:
        for name, make in PAGES.items():
            yield f"reference/{lang}/{name}.md", make(lang)


def said(lang: str, en: str, zh: str) -> str:
    """The one of the two that *lang* asks for."""
    return zh if lang == "zh" else en


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cell(each) for each in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = " ".join(str("" if value is None else value).split())
    return text if (text.startswith("`") and text.endswith("`")) or LINK.fullmatch(text) else prose(text)


def prose(text: str) -> str:
    """*text* as it stands, whatever signs of Markdown and HTML it holds."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*\[\]|])", r"\\\1", plain)


LINK = re.compile(r"\[[^\]]+\]\([^)]+\)")


def code(text: object) -> str:
    """*text* as code, or nothing."""
    return f"`{text}`" if str(text) else ""


# Commands ------------------------------------------------------------------------------------------------------------


def commands(lang: str) -> str:
    """Every command with its options, as ``--help`` says it."""
    from factory_kit.cli.main import _speak_in_help, command
    from factory_kit.i18n import speaking

    with speaking("zh" if lang == "zh" else "en"):
        _speak_in_help()
        tree = command()
        parts = [
            "# " + said(lang, "Commands", "命令"),
            said(
                lang,
                "What `factory-kit COMMAND --help` says, word for word. Results go to standard output, everything else to standard error.",
                "与 `factory-kit 命令 --help` 逐字相同。结果写到标准输出，其余写到标准错误。",
            ),
        ]
        for words, node in _leaves(tree, ()):
            parts += _command(lang, words, node)
    return "\n\n".join(parts) + "\n"


def _leaves(node: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in node.commands.items():
        if getattr(child, "commands", None):
            yield from _leaves(child, (*words, name))
        else:
            yield (*words, name), child


def _command(lang: str, words: tuple[str, ...], node: Any) -> Iterator[str]:
    context = node.context_class(
        node, info_name=" ".join(("factory-kit", *words)), help_option_names=["--help", "-h"], max_content_width=110
    )
    yield f"## {' '.join(words)}"
    for paragraph in (node.help or "").split("\n\n"):
        yield prose(" ".join(paragraph.split()))
    usage = " ".join(node.get_usage(context).split())
    yield f"```text\n{usage}\n```"
    rows = [each for each in (_parameter(one, context) for one in node.get_params(context)) if each is not None]
    if rows:
        yield table((said(lang, "Option", "选项"), said(lang, "What it does", "作用")), rows)


def _parameter(one: Any, context: Any) -> tuple[str, str] | None:
    """Name and meaning of one argument or option; ``--help`` itself is left out."""
    record = one.get_help_record(context)
    return None if record is None or "--help" in record[0] else (code(record[0]), record[1])


# The store -----------------------------------------------------------------------------------------------------------


def views(lang: str) -> str:
    """Views and columns of a store, asked of an empty one; what samples and minutes mean stands in the chapter of the format."""
    from factory_kit.store import Store

    meant = _meanings()
    parts = [
        "# " + said(lang, "Views of the store", "存储的视图"),
        said(
            lang,
            'What `factory-kit query "SELECT …"` and the indicators see. All times are TIMESTAMP in UTC. What is on the disk: [the store on the disk](../../store-format.md).',
            '`factory-kit query "SELECT …"` 与各指标所见。时间一律为 UTC 的 TIMESTAMP。磁盘上的格式见[存储格式](../../store-format.md)。',
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        connection = Store(Path(folder)).connect()
        names = [
            row[0]
            for row in connection.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
        ]
        for name in names:
            columns = connection.execute(f'DESCRIBE "{name}"').fetchall()
            parts += [f"## {name}", _columns(lang, name, columns, meant)]
        connection.close()
    return "\n\n".join(parts) + "\n"


def _columns(lang: str, view: str, columns: Sequence[Sequence[Any]], meant: dict[str, str]) -> str:
    heads = (said(lang, "Column", "列"), said(lang, "Type", "类型"))
    rows: list[tuple[object, ...]] = [(code(column[0]), column[1]) for column in columns]
    if view in {"samples", "latest"}:
        heads = (*heads, said(lang, "Meaning", "含义（英文）"))
        rows = [(*row, meant.get(str(row[0]).strip("`"), "")) for row in rows]
    return table(heads, rows)


def _meanings() -> dict[str, str]:
    """What each column of a sample is, from the chapter on the store's format."""
    chapter = (ROOT / "docs" / "store-format.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| [^|]* \| ([^|]*) \|$", chapter, re.MULTILINE)
    return {name: meaning.strip() for name, meaning in rows}


# Definitions that ship -----------------------------------------------------------------------------------------------


def indicators(lang: str) -> str:
    """The shipped indicators, each with what it needs and where it comes from."""
    from factory_kit.load.indicator import all_indicators
    from factory_kit.shipped import search_path

    found = [
        each
        for _name, each in sorted(all_indicators([each / "indicators" for each in search_path("assessments")]).items())
    ]
    parts = [
        "# " + said(lang, "Indicators", "指标"),
        said(
            lang,
            f"{len(found)} indicators ship. Each is one SQL file; its sha256 stands in every record it makes. Below the least coverage a record is *inconclusive*, never zero.",
            f"随软件提供 {len(found)} 个指标，每个是一个 SQL 文件，其 sha256 写入每条记录。覆盖率不足时记录为“证据不足”，而不是零。",
        ),
        table(
            (
                said(lang, "Indicator", "指标"),
                said(lang, "Name", "名称"),
                said(lang, "Unit", "单位"),
                said(lang, "Roles", "角色"),
            ),
            (
                (
                    f"[{each.id}](#{each.id})",
                    each.definition.label.in_(lang),
                    each.definition.unit,
                    ", ".join(each.definition.roles),
                )
                for each in found
            ),
        ),
    ]
    for each in found:
        parts += _indicator(lang, each)
    return "\n\n".join(parts) + "\n"


def _indicator(lang: str, each: Any) -> Iterator[str]:
    one = each.definition
    yield f"## {each.id}"
    yield f"**{one.label.in_(lang)}** · rev {one.rev} · sha256 `{each.sql_sha256[:16]}…`"
    yield prose(one.what.in_(lang))
    yield table(
        (said(lang, "What", "项目"), said(lang, "Value", "内容")),
        (
            (said(lang, "Unit", "单位"), one.unit),
            (said(lang, "Numerator and denominator count", "分子分母的计量"), one.measure.in_(lang)),
            (said(lang, "Denominator", "分母"), one.ledger.in_(lang)),
            (said(lang, "Subjects", "对象"), ", ".join(one.subjects)),
            (
                said(lang, "Roles it reads", "所需角色"),
                ", ".join(one.roles) or said(lang, "none: the ledger alone", "无，只看台账"),
            ),
            (said(lang, "Least coverage", "最低覆盖率"), one.least_coverage),
            (
                said(lang, "Speaks for", "支持的条目"),
                ", ".join(f"{speaks.model} {speaks.criterion}" for speaks in one.criteria),
            ),
            *((said(lang, "Source", "来源"), _source(source)) for source in one.sources),
        ),
    )


def _source(source: Any) -> str:
    parts = (source.title, source.version, source.page)
    return ", ".join(part for part in parts if part) + f" ({source.confidence})"


def models(lang: str) -> str:
    """The shipped maturity models and ladders with their rows by confidence."""
    from factory_kit.load.ladder import ladder, ladder_folders
    from factory_kit.load.maturity import maturity_model, model_folders
    from factory_kit.shipped import search_path

    folders = search_path("assessments")
    found = [maturity_model(folder, name) for name, folder in sorted(model_folders(folders).items())]
    ladders = [ladder(folder, name) for name, folder in sorted(ladder_folders(folders).items())]
    parts = [
        "# " + said(lang, "Maturity models and ladders", "成熟度模型与阶梯"),
        said(
            lang,
            "Nobody has compared these with the standards yet: *verified* counts the rows somebody did compare. A, B and C say how sure the others are, A surest.",
            "尚无人与标准原文逐条比对：“verified”为已比对的行数；A、B、C 为其余各行的把握程度，A 最高。",
        ),
        table(
            (
                said(lang, "Model", "模型"), said(lang, "Title", "名称"), said(lang, "Rows", "条目"),
                *(found[0].confidence_counts() if found else ()), said(lang, "Status", "状态"),
            ),
            ((code(each.id), each.texts[lang].title, len(each.criteria), *each.confidence_counts().values(), each.status) for each in found),
        ),
        "## " + said(lang, "Ladders and profiles", "阶梯与画像"),
        table(
            (said(lang, "Ladder", "阶梯"), said(lang, "Title", "名称"), said(lang, "Items", "条目"), said(lang, "Status", "状态")),
            ((code(each.id), each.content.title.in_(lang), len(each.items), each.content.status) for each in ladders),
        ),
    ]  # fmt: skip
    for each in found:
        heading = f"{said(lang, 'Sources of', '来源：')} {each.id}"
        parts += [f"## {heading}", "\n".join(f"- {prose(_source(source))}" for source in each.structure.sources)]
    return "\n\n".join(parts) + "\n"


def connectors(lang: str) -> str:
    """The shelf of connectors with grades, how sure the addresses are, and where they were read."""
    from factory_kit.load.connector import connector_folder, find_connector
    from factory_kit.shipped import search_path

    folders = search_path("connectors")
    names = sorted({path.parent.name for folder in folders for path in folder.glob("*/connector.yaml")})
    found = [connector_folder(folder, name) for name in names if (folder := find_connector(name, folders)) is not None]
    parts = [
        "# " + said(lang, "Connectors", "连接器"),
        said(
            lang,
            "Bronze: its samples decode. Silver: it was read over a wire from a server that holds its registers. Gold: it was seen on a real device; none is yet.",
            "铜级：样例可解码。银级：经网络从存有其寄存器的服务器读取过。金级：在真实设备上见过；目前没有。",
        ),
        table(
            (said(lang, "Connector", "连接器"), said(lang, "Equipment", "设备"), said(lang, "Driver", "驱动"), said(lang, "Points", "点"), said(lang, "Grade", "等级")),
            ((f"[{each.connector}](#{each.connector})", each.label.in_(lang), each.driver, len(each.points), each.quality.grade) for each in found),
        ),
    ]  # fmt: skip
    for each in found:
        sure = Counter(point.confidence for point in each.points if point.confidence)
        parts += [
            f"## {each.connector}",
            f"**{prose(each.label.in_(lang))}** · {each.driver} · {each.quality.grade} · "
            + (", ".join(f"{name} {count}" for name, count in sorted(sure.items())) or "–"),
            table(
                (said(lang, "Point", "点"), said(lang, "Label", "名称"), said(lang, "Role", "角色"), said(lang, "Unit", "单位"), said(lang, "Address", "地址")),
                ((code(point.name), point.label.in_(lang), point.role, point.unit, code(point.address)) for point in each.points),
            ),
            "\n".join(f"- {prose(source)}" for source in dict.fromkeys(point.source for point in each.points if point.source)),
        ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def datasets(lang: str) -> str:
    """The templates of data products with their fields."""
    from factory_kit.load.product import find_product, product_folder
    from factory_kit.shipped import search_path

    folders = search_path("datasets")
    names = sorted({path.parent.name for folder in folders for path in folder.glob("*/product.yaml")})
    parts = ["# " + said(lang, "Templates of data products", "数据产品模板")]
    for name in names:
        product = product_folder(find_product(name, folders)).product
        parts += [
            f"## {name}",
            f"**{prose(product.title.in_(lang))}** – {prose(product.description.in_(lang))}",
            table(
                (said(lang, "Field", "字段"), said(lang, "Label", "名称"), said(lang, "Type", "类型"), said(lang, "Unit", "单位"), said(lang, "Treatment", "处理")),
                ((code(each.name), each.label.in_(lang), each.type, each.unit, each.treatment) for each in product.fields),
            ),
        ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


# Errors --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Said:
    """One template, what raises it, and where."""

    kind: str
    template: str
    place: str


@cache
def templates() -> list[Said]:
    """Every template a raise site, a mistake in a file or a notice of a collection can say."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}
    constants = {file: _constants(tree) for file, tree in trees.items()}
    found: dict[tuple[str, str], set[str]] = {}
    for file, tree in trees.items():
        known = {**_imported(tree, constants), **constants[file]}
        place = file.relative_to(PACKAGE).as_posix()
        for kind, text in (*_called(tree, known), *(_later(tree) if place.partition("/")[0] in READING else ())):
            found.setdefault((kind, text), set()).add(place)
    said = {text for kind, text in found if kind != LATER}
    rows = (
        Said(DEFINITION if kind == LATER else kind, text, ", ".join(sorted(places)))
        for (kind, text), places in found.items()
        if kind != LATER or text not in said
    )
    return sorted(rows)


READING = ("assess", "collect", "diagnose", "district", "drivers", "kpi", "load", "model", "pack", "store")
"""Parts whose modules, where they name problems of files, mark the words for later and pass them on."""
DEFINITION, LATER = "DefinitionError", "later"


def _called(tree: ast.Module, known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """What calls of *tree* say themselves."""
    for node in ast.walk(tree):
        kind = _kind(node)
        if kind is not None and isinstance(node, ast.Call):
            for argument in node.args:
                yield from ((kind, text) for text in _texts(argument, known) if " " in text)


def _later(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Words that a module which names problems of files marks for later; which of them goes where is told when it runs."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    if "Problem" in {node.func.id for node in calls if isinstance(node.func, ast.Name)}:
        for node in calls:
            if isinstance(node.func, ast.Name) and node.func.id == "N_":
                yield from ((LATER, text) for text in _texts(node, {}) if " " in text)


def _kind(node: ast.AST) -> str | None:
    """Which class of error a call makes; None for all others."""
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    called = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    return KINDS.get(called) or (called if called in _exceptions() else None)


def _exceptions() -> dict[str, type]:
    from factory_kit import errors

    return {
        name: each
        for name in errors.__all__
        if isinstance(each := getattr(errors, name), type) and issubclass(each, Exception)
    }


def _constants(tree: ast.Module) -> dict[str, list[str]]:
    """Texts that a module keeps under a name, alone or in a table."""
    found: dict[str, list[str]] = {}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                found[target.id] = _texts(node.value, {})
    return found


def _imported(tree: ast.Module, constants: dict[Path, dict[str, list[str]]]) -> dict[str, list[str]]:
    """Texts that come from other modules of the package."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("factory_kit."):
            file = ROOT / ((node.module or "").replace(".", "/") + ".py")
            for name in node.names:
                found[name.asname or name.name] = constants.get(file, {}).get(name.name, [])
    return found


def _texts(node: ast.expr | None, known: dict[str, list[str]]) -> list[str]:
    """The texts that an expression can be."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Name):
        return known.get(node.id, [])
    if isinstance(node, ast.Subscript):
        return _texts(node.value, known)
    if isinstance(node, ast.IfExp):
        return _texts(node.body, known) + _texts(node.orelse, known)
    if isinstance(node, ast.Dict):
        return [text for value in node.values for text in _texts(value, known)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NOTES and node.args:
        return _texts(node.args[0], known)
    return []


def errors(lang: str) -> str:
    """The catalogue: what can be said, and what to do then (the words after the last semicolon)."""
    from factory_kit.i18n import _, speaking

    found = templates()
    classes = _exceptions()
    parts = [
        "# " + said(lang, "Messages", "消息目录"),
        said(
            lang,
            f"All {len(found)} templates that errors, mistakes in files and notices of a collection are said with; `{{…}}` is filled in. "
            "A message says where, what is wrong, what was expected, and after the last semicolon what to do.",
            f"错误、文件中的问题与采集通知所用的全部 {len(found)} 条模板；`{{…}}` 处填入具体内容。每条说明何处、何事、应为什么，最后一个分号之后是处置办法。",
        ),
    ]  # fmt: skip
    with speaking("zh" if lang == "zh" else "en"):
        for kind in sorted({each.kind for each in found}):
            parts += [f"## {kind}", _about(lang, classes.get(kind))]
            heads = (said(lang, "Message", "消息"), said(lang, "What to do", "处置"), said(lang, "Said by", "出自"))
            rows = ((*_parted(_(each.template)), each.place) for each in found if each.kind == kind)
            parts.append(table(heads, rows))
    parts += [
        "## " + said(lang, "Rules of receiving", "接收规则"),
        table((said(lang, "Rule", "规则"), ""), _rules(lang)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rules(lang: str) -> Iterator[tuple[str, str]]:
    import yaml

    document = yaml.safe_load((PACKAGE / "district" / "data" / "rules.yaml").read_text(encoding="utf-8"))
    yield from ((number, texts[lang]) for number, texts in document["rules"].items())


def _parted(text: str) -> tuple[str, str]:
    """The message, and its remedy where it names one."""
    message, mark, remedy = text.rpartition("；" if "；" in text else "; ")
    return (message, remedy.strip()) if mark and "{" not in message[-1:] else (text, "")


def _about(lang: str, kind: type | None) -> str:
    if kind is None:
        return said(lang, "Lines about a collection that goes on; no error.", "采集进行中的提示，不是错误。")
    again = getattr(kind, "retry", False)
    line = f"{(kind.__doc__ or '').strip().splitlines()[0]} " if lang == "en" else ""
    return line + said(
        lang,
        f"Exit code {getattr(kind, 'exit_code', 1)}{'; the same may succeed later without anybody changing anything' if again else ''}.",
        f"退出码 {getattr(kind, 'exit_code', 1)}{'；不作改动，稍后重试也可能成功' if again else ''}。",
    )


def codes(lang: str) -> str:
    """Exit codes, from the exception tree."""
    by_code: dict[int, list[str]] = {}
    for name, each in sorted(_exceptions().items()):
        by_code.setdefault(getattr(each, "exit_code", 1), []).append(name)
    meaning = {
        0: said(lang, "done", "完成"),
        1: said(lang, "findings, or the work failed", "有发现，或工作失败"),
        2: said(lang, "used wrongly; nothing was changed", "用法有误；未作任何改动"),
    }
    rows = [(number, meaning[number], ", ".join(by_code.get(number, ()))) for number in meaning]
    head = "# " + said(lang, "Exit codes", "退出码")
    heads = (said(lang, "Code", "退出码"), said(lang, "Means", "含义"), said(lang, "Errors that end so", "对应的错误"))
    return f"{head}\n\n{table(heads, rows)}\n"


# Files ---------------------------------------------------------------------------------------------------------------


def files(lang: str) -> str:
    """The files people write, key by key, from their definitions."""
    from factory_kit.diagnose import settings, tariff
    from factory_kit.district import definitions
    from factory_kit.model import connector, indicator, product, site

    parts = [
        "# " + said(lang, "Files and their keys", "文件与键"),
        said(
            lang,
            "Files that people write, read as YAML 1.2 (core schema). `factory-kit check` says every mistake at once, with its line. What the program writes: "
            "[the store](../../store-format.md), [sealed files](../../bundle-format.md).",
            "由人填写的文件，按 YAML 1.2（核心模式）读取。`factory-kit check` 一次说出全部问题及行号。程序写出的文件见[存储格式](../../store-format.md)、[密封文件](../../bundle-format.md)。",
        ),
    ]  # fmt: skip
    roots: tuple[tuple[str, Any], ...] = (
        ("site.yaml", site.Site),
        ("tariff.yaml", tariff.Tariff),
        ("diagnosis.yaml", settings.Settings),
        ("connectors/NAME/connector.yaml", connector.Connector),
        ("assessments/indicators/NAME/indicator.yaml", indicator.IndicatorDefinition),
        ("datasets/NAME/product.yaml", product.DataProduct),
        ("campaign.yaml", definitions.Campaign),
        ("units.yaml", definitions.Units),
        ("targets.yaml", definitions.Targets),
    )
    for name, definition in roots:
        parts += [f"## {name}", *_keys(lang, definition)]
    return "\n\n".join(parts) + "\n"


def _keys(lang: str, definition: Any) -> Iterator[str]:
    schema = definition.model_json_schema()
    meant = _comments(definition)
    yield _object(lang, schema, meant.get(definition.__name__, {}))
    for name, part in sorted(schema.get("$defs", {}).items()):
        if part.get("properties") and name != "Text":
            yield f"### {name}"
            yield _object(lang, part, meant.get(name, {}))


def _object(lang: str, schema: dict[str, Any], meant: dict[str, str]) -> str:
    needed = set(schema.get("required", ()))
    heads = (
        said(lang, "Key", "键"),
        said(lang, "Kind", "类型"),
        said(lang, "Needed", "必填"),
        said(lang, "Meaning", "含义（英文）"),
    )
    return table(
        heads,
        (
            (code(key), _type(one), said(lang, "yes", "是") if key in needed else "", meant.get(key, ""))
            for key, one in schema.get("properties", {}).items()
        ),
    )


def _comments(definition: Any) -> dict[str, dict[str, str]]:
    """What stands below each field in the module of *definition* and in those it is made of: class → field → words."""
    modules = {
        definition.__module__,
        "factory_kit.model.definition",
        "factory_kit.model.site",
        "factory_kit.model.connector",
    }
    found: dict[str, dict[str, str]] = {}
    for module in modules:
        tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
        for kind in (each for each in tree.body if isinstance(each, ast.ClassDef)):
            found[kind.name] = dict(_below(kind))
    return found


def _below(kind: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, words in pairwise(kind.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(words, ast.Expr)
            and isinstance(words.value, ast.Constant)
        ):
            yield field.target.id, str(words.value.value).replace("``", "")


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " / ".join(dict.fromkeys(_type(each) for each in schema[several] if each.get("type") != "null"))
    if "enum" in schema:
        return " / ".join(str(each) for each in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if isinstance(schema.get("items"), dict) else "list"
    return str(schema.get("type", "any"))


PAGES: dict[str, Callable[[str], str]] = {
    "commands": commands,
    "views": views,
    "indicators": indicators,
    "models": models,
    "connectors": connectors,
    "datasets": datasets,
    "messages": errors,
    "exit-codes": codes,
    "files": files,
}


def main() -> int:
    """Write the pages below the folder that was named."""
    if len(sys.argv) != 2:
        print("usage: python .ci/reference.py DIR")
        return 2
    for name, text in pages():
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
