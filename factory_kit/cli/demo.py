"""``demo``: the whole story on a simulated plant, told with the very commands a user types."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from factory_kit.i18n import N_, _, language

__all__ = ["register"]

ZONE = ZoneInfo("Asia/Shanghai")
LEAD_IN = timedelta(hours=4)
"""Plant time before the day that is looked at, so that the collector is connected when it begins."""
LEAD_OUT = timedelta(minutes=30)
DRAIN_S = 2.0
SLOWEST, FASTEST = 900, 7200
NAME = "demo"
PASSPHRASE = "factory-kit-demo"  # noqa: S105 - protects nothing: the keys of the demonstration sign demonstrations


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "See it work: a simulated plant is read over OPC UA and Modbus, scored on evidence from its own data, and reported, in about a minute.\n\n"
            "Example: factory-kit demo"
        )
    )(demo)


@dataclass
class _Story:
    """The steps so far: what was typed, how long it took, what it made."""

    workspace: Path
    steps: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str, made: str = "") -> Iterator[None]:
        """One step with its heading; its time counts for the last table."""
        from factory_kit.cli.console import stderr

        stderr().rule(f"{len(self.steps) + 1}  {title}", align="left")
        began = time.perf_counter()
        yield
        self.steps.append((title, time.perf_counter() - began, made))

    def run(self, *words: str | Path, findings: bool = False) -> None:
        """One command as a user types it, shown and then done in this process; *findings* are no failure where they are planted."""
        from factory_kit.cli.console import note
        from factory_kit.cli.main import PARSER_INTERRUPTED, command

        typed = [str(word) for word in words]
        note("$ factory-kit " + shlex.join(typed))
        code = command().main(typed, prog_name="factory-kit", standalone_mode=False)
        if code == PARSER_INTERRUPTED:
            raise KeyboardInterrupt
        if code and not (findings and code == 1):
            raise typer.Exit(code)


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help=N_("Folder to make; by default factory-kit-demo here."))
    ] = Path("factory-kit-demo"),
    speed: Annotated[
        int, typer.Option("--speed", min=SLOWEST, max=FASTEST, help=N_("Seconds of the plant in one second."))
    ] = 3600,
    seed: Annotated[int, typer.Option("--seed", help=N_("Another seed is another plant."))] = 1,
) -> None:
    from factory_kit.cli.console import note
    from factory_kit.testing import SimulatedPlant

    story = _Story(_free(folder))
    day = _day(datetime.now(ZONE).date())
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    start, until = midnight - LEAD_IN, midnight + timedelta(days=1) + LEAD_OUT
    seconds = (until - start).total_seconds() / speed + DRAIN_S
    note(
        _(
            "A plant that does not exist, on {day}, an hour of it in {seconds:.1f} s. Everything below can be typed by hand."
        ).format(day=day, seconds=3600 / speed)
    )
    with SimulatedPlant(seed=seed, speed=speed, start=start, until=until) as plant:
        with story.step(_("A workspace for the plant"), "site.yaml"):
            _write_site(story.workspace, plant.opcua_url, plant.modbus_port)
            story.run("check", story.workspace, "--timing")
        with story.step(_("Collect from OPC UA and Modbus at once"), "store/"):
            story.run("collect", "-w", story.workspace, "--for", f"{seconds:.0f}s")
    os.environ.setdefault("FACTORY_KIT_PASSPHRASE", PASSPHRASE)
    for title, made, chapter in CHAPTERS:
        with story.step(_(title), made):
            chapter(story)
    _ending(story)


def _indicators(story: _Story) -> None:
    who = ("--type", "provider", "--provider", _(SIGNERS[0][1]), "--unit", UNIT)
    story.run("assess", "new", NAME, "--example", *who, "-w", story.workspace)
    story.run("indicators", "--for", NAME, "-w", story.workspace)
    story.run("evidence", "verify", NAME, "-w", story.workspace)


def _score(story: _Story) -> None:
    story.run("assess", "score", NAME, "-w", story.workspace)
    story.run("assess", "explain", NAME, "MP4.3.b", "-w", story.workspace)


def _report(story: _Story) -> None:
    from factory_kit.render.fonts import chinese_font

    formats = ["html", "docx", "xlsx", *(["pdf"] if chinese_font() else [])]
    story.run(
        "assess", "report", NAME, *(word for form in formats for word in ("--format", form)), "-w", story.workspace
    )


def _bundle(story: _Story) -> None:
    keys, name = story.workspace / "keys", story.workspace / BUNDLE
    keys.mkdir(exist_ok=True)
    for role, holder in SIGNERS:
        story.run("key", "new", keys / f"{role}.key", "--sheet", keys / f"{role}-recovery.txt")
        story.run(
            "key",
            "trust",
            keys / f"{role}.pub",
            "--holder",
            _(holder),
            "--role",
            role,
            "--role",
            "publisher",
            "--ring",
            keys / "trusted",
        )
    story.run(
        "assess",
        "seal",
        NAME,
        "--key",
        keys / "provider.key",
        "--signer",
        _(SIGNERS[0][1]),
        "--out",
        name,
        "-w",
        story.workspace,
    )
    story.run("assess", "acknowledge", name, "--key", keys / "enterprise.key")
    story.run("verify", name, "--ring", keys / "trusted")
    story.run("assess", "rescore", name)


def _district(story: _Story) -> None:
    office = story.workspace / DISTRICT
    story.run("district", "init", office, "--example")
    story.run("district", "receive", story.workspace / BUNDLE, office / "inbox", "-d", office, findings=True)
    story.run("district", "stats", "-d", office)


def _product(story: _Story) -> None:
    out, key = story.workspace / PACKAGE, story.workspace / "keys" / "enterprise.key"
    story.run(
        "pack",
        "build",
        "energy-hourly",
        "--out",
        out,
        "--key",
        key,
        "--graded-by",
        _("Data security officer (demonstration)"),
        "-w",
        story.workspace,
    )
    story.run("pack", "verify", out, "--ring", story.workspace / "keys" / "trusted")


SIGNERS = (("provider", N_("Example Diagnosis Services")), ("enterprise", N_("Example Precision Works")))
BUNDLE, PACKAGE, DISTRICT = "demo-bundle.zip", "energy-hourly.zip", "district"
UNIT = "310117105"
"""洞泾镇, one of the reporting units of the shipped campaign."""

CHAPTERS: tuple[tuple[str, str, Callable[[_Story], None]], ...] = (
    (
        N_("Indicators, each with bounds and coverage, recomputed and compared"),
        f"assessments/{NAME}/evidence/",
        _indicators,
    ),
    (N_("Score against GB/T 39116-2020"), f"assessments/{NAME}/score.json", _score),
    (N_("The report, in Chinese and English"), f"assessments/{NAME}/report/", _report),
    (N_("The sealed bundle, acknowledged by the enterprise, rescored from itself alone"), BUNDLE, _bundle),
    (N_("The district receives it among twenty others, three of them bad on purpose"), DISTRICT, _district),
    (N_("A data product for the exchange"), PACKAGE, _product),
)


def _free(folder: Path) -> Path:
    """*folder*, or the next one with a number when something is there already: a demonstration overwrites nothing."""
    number = 1
    place = folder
    while place.exists() and any(place.iterdir()) if place.is_dir() else place.exists():
        number += 1
        place = folder.with_name(f"{folder.name}-{number}")
    place.mkdir(parents=True, exist_ok=True)
    return place


def _day(today: date) -> date:
    """The last working day whose eve was one too: its night shift is part of the story."""
    day = today - timedelta(days=1)
    while day.weekday() in (0, 6):
        day -= timedelta(days=1)
    return day


def _write_site(workspace: Path, opcua_url: str, modbus_port: int) -> None:
    """The example's site file with the addresses at which the simulated plant answers now, and its tariff."""
    from factory_kit.files import write_atomically
    from factory_kit.shipped import data_dir

    example = data_dir("examples") / "demo-plant"
    text = (example / "site.yaml").read_text(encoding="utf-8")
    address = opcua_url.removeprefix("opc.tcp://").partition("/")[0]
    text = (
        text.replace("127.0.0.1:48400", address)
        .replace("127.0.0.1:15020", f"127.0.0.1:{modbus_port}")
        .replace("port: 15020", f"port: {modbus_port}")
    )
    for name in ("connectors", "assessments", "datasets"):
        (workspace / name).mkdir(exist_ok=True)
    write_atomically(workspace / "site.yaml", text)
    write_atomically(workspace / "tariff.yaml", (example / "tariff.yaml").read_text(encoding="utf-8"))


def _ending(story: _Story) -> None:
    """What was made, where, how long it took, and what to try on a real plant."""
    from factory_kit.cli.console import note, print_table

    rows = [
        (title, str(story.workspace / made) if made else "", f"{seconds:.1f} s") for title, seconds, made in story.steps
    ]
    rows.append(
        (_("Together"), str(story.workspace), f"{sum(seconds for _title, seconds, _made in story.steps):.1f} s")
    )
    print_table((_("Step"), _("Where"), _("Time")), rows, title=_("What was made"), numbers={2: True})
    report = story.workspace / "assessments" / NAME / "report"
    pages = sorted(report.glob(f"*{language()}*.html")) or sorted(report.glob("*.html"))
    if pages:
        note(_("Open the report: {path}").format(path=pages[0].resolve().as_uri()))
    note(_("On a real plant, next:"))
    for words in ("init my-plant", "check my-plant --timing", "collect -w my-plant --for 1h"):
        note(f"  factory-kit {words}")
