"""The chapters of the demonstration behind the collection: each some commands and what they show."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from factory_kit.cli.demo_story import Story
from factory_kit.i18n import N_, _, language

__all__ = ["CHAPTERS", "NAME", "begin_district", "show_public_table"]

NAME = "demo"
PASSPHRASE = "factory-kit-demo"  # noqa: S105 - protects nothing: the keys of the demonstration sign demonstrations
SIGNERS = (("provider", N_("Example Diagnosis Services")), ("enterprise", N_("Example Precision Works")))
BUNDLE, DISTRICT, PUBLIC = "demo-bundle.zip", "district", "public"
PRODUCT = "cnc-spindle"
BUYERS = (("analytics", N_("Example Analytics")), ("insurance", N_("Example Machine Insurance")))
"""Who gets a copy of the package: a word for the file's name, and the name in its marks."""
LEAKED = "found-on-a-forum.zip"
UNIT = "310117106"
"""洞泾镇, one of the reporting units of the shipped campaign."""


def begin_district(story: Story) -> None:
    """While the plant is read, the bundles of twenty other plants are made."""
    os.environ.setdefault("FACTORY_KIT_PASSPHRASE", PASSPHRASE)
    story.begin("district", "init", story.workspace / DISTRICT, "--example")


def _ledger(story: Story) -> None:
    story.run("store", "losses", "-w", story.workspace)


def _indicators(story: Story) -> None:
    who = ("--type", "provider", "--provider", _(SIGNERS[0][1]), "--unit", UNIT)
    story.run("assess", "new", NAME, "--example", *who, "-w", story.workspace)
    story.run("indicators", "--assessment", NAME, "-w", story.workspace)
    story.run("evidence", "verify", NAME, "-w", story.workspace)


def _score(story: Story) -> None:
    story.run("assess", "score", NAME, "-w", story.workspace)
    _begin_report(story)
    story.run("assess", "explain", NAME, "MP4.3.b", "-w", story.workspace)


def _begin_report(story: Story) -> None:
    """It is written beside what follows; nothing of that touches the same files."""
    from factory_kit.render.fonts import chinese_font

    formats = ["html", "docx", "xlsx", *(["pdf"] if chinese_font() else [])]
    words = [word for form in formats for word in ("--format", form)]
    story.begin("assess", "report", NAME, *words, "-w", story.workspace)


def _proof(story: Story) -> None:
    story.run("assess", "explain", NAME, "--proof", "-w", story.workspace)


def _path(story: Story) -> None:
    story.run("assess", "path", NAME, "--plans", "1", "-w", story.workspace)


def _bundle(story: Story) -> None:
    keys, name = story.workspace / "keys", story.workspace / BUNDLE
    keys.mkdir(exist_ok=True)
    for role, holder in SIGNERS:
        story.run("key", "new", keys / f"{role}.key", "--sheet", keys / f"{role}-recovery.txt")
        roles = ("--role", role, "--role", "publisher")
        story.run("key", "trust", keys / f"{role}.pub", "--holder", _(holder), *roles, "--ring", keys / "trusted")
    signing = ("--key", keys / "provider.key", "--signer", _(SIGNERS[0][1]))
    story.run("assess", "seal", NAME, *signing, "--out", name, "-w", story.workspace)
    story.run("assess", "acknowledge", name, "--key", keys / "enterprise.key")
    story.run("verify", name, "--ring", keys / "trusted")
    story.run("assess", "rescore", name)


def _report(story: Story) -> None:
    story.tell("assess", "report")


def _district(story: Story) -> None:
    office = story.workspace / DISTRICT
    story.tell("district", "init")
    story.run("district", "receive", story.workspace / BUNDLE, office / "inbox", "-d", office, findings=True)
    story.run("district", "stats", "-d", office)


def _public(story: Story) -> None:
    office, out = story.workspace / DISTRICT, story.workspace / PUBLIC
    story.run("district", "publish", out, "-d", office)
    show_public_table(office, out / "data.json")


def show_public_table(district: Path, data: Path) -> None:
    """The table by street as everybody will see it: read from the published file, hidden cells marked."""
    from factory_kit.cli.console import print_table, results
    from factory_kit.district.office import Office
    from factory_kit.district.tables import row_names

    table = json.loads(data.read_text(encoding="utf-8"))["tables"]["street"]
    rows = tuple(tuple(names) for names in table["rows"])
    names = row_names(Office.at(district), "street", rows, language())
    heads = [
        _("L{level}").format(level="–".join(map(str, sorted({min(levels), max(levels)})))) for levels in table["levels"]
    ]
    shown = [
        [name, *(HIDDEN if cell is None else str(cell) for cell in cells), str(total)]
        for name, cells, total in zip(names, table["cells"], table["row_totals"], strict=True)
    ]
    shown.append([_("All"), *map(str, table["level_totals"]), str(sum(table["level_totals"]))])
    columns = (_("Unit"), *heads, _("Plants"))
    print_table(columns, shown, title=_("What the public sees"), numbers=dict.fromkeys(range(1, len(columns)), True))
    hidden = sum(cell is None for cells in table["cells"] for cell in cells)
    results().print(_("{sign}: hidden, {count} cells of this table.").format(sign=HIDDEN, count=hidden), markup=False)


def _product(story: Story) -> None:
    out, key = story.workspace / PACKAGE, story.workspace / "keys" / "enterprise.key"
    graded = ("--key", key, "--graded-by", _("Data security officer (demonstration)"))
    story.run("pack", "build", PRODUCT, "--out", out, *graded, "-w", story.workspace)
    _release(story, *BUYERS[0], begun=True)
    story.run("pack", "verify", out, "--ring", story.workspace / "keys" / "trusted")


def _release(story: Story, word: str, buyer: str, *, begun: bool) -> Path:
    """The copy for *buyer*; *begun*: beside what follows."""
    keys, copy = story.workspace / "keys", story.workspace / f"{PRODUCT}-{word}.zip"
    signed = ("--key", keys / "enterprise.key", "-w", story.workspace)
    words = ("pack", "release", story.workspace / PACKAGE, "--to", _(buyer), "--out", copy, *signed)
    (story.begin if begun else story.run)(*words)
    return copy


def _leak(story: Story) -> None:
    """Two copies, the second leaks under a name that says nothing, and its marks tell whose it was."""
    import shutil

    from factory_kit.cli.console import note

    package = story.workspace / PACKAGE
    story.tell("pack", "release")
    copy = _release(story, *BUYERS[1], begun=False)
    leaked = story.workspace / LEAKED
    shutil.copyfile(copy, leaked)
    note(_("Weeks later a file of this data is found: {file}. Whose copy is it?").format(file=leaked))
    story.run("pack", "trace", leaked, "--of", package, "-w", story.workspace)


HIDDEN = "·"
PACKAGE = f"{PRODUCT}.zip"

CHAPTERS: tuple[tuple[str, str, Callable[[Story], None]], ...] = (
    (N_("What arrived, what was lost, and why"), "", _ledger),
    (
        N_("Indicators with bounds and coverage, recomputed and compared"),
        f"assessments/{NAME}/evidence/",
        _indicators,
    ),
    (N_("Score against GB/T 39116-2020"), f"assessments/{NAME}/score.json", _score),
    (N_("Floor and ceiling, and what stands between"), "", _proof),
    (N_("The cheapest path to the next level"), "", _path),
    (N_("The sealed bundle, acknowledged, and rescored from itself alone"), BUNDLE, _bundle),
    (N_("The report, in Chinese and English"), f"assessments/{NAME}/report/", _report),
    (N_("A data product for the exchange"), PACKAGE, _product),
    (N_("The district receives it among twenty others, three of them bad"), DISTRICT, _district),
    (N_("A public table that betrays no plant"), PUBLIC, _public),
    (N_("A copy leaks, and its marks name who had it"), LEAKED, _leak),
)
