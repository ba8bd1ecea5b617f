"""``demo``: the whole story on a simulated plant, told with the very commands a user types."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from factory_kit.i18n import N_, _, language

if TYPE_CHECKING:
    from factory_kit.cli.demo_story import Story

__all__ = ["register", "write_site"]

ZONE = ZoneInfo("Asia/Shanghai")
LEAD_IN = timedelta(hours=2)
"""Plant time before the day that is looked at: every value is known when it begins. The plant's clock waits for the collector."""
LEAD_OUT = timedelta(minutes=30)
CONNECTING_S = 4.0
SLOWEST, FASTEST = 900, 7200


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "See it work: a simulated plant is read over OPC UA and Modbus, scored on evidence from its own data, and reported, in about a minute.\n\n"
            "Example: factory-kit demo"
        )
    )(demo)


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
    from factory_kit.cli.demo_chapters import CHAPTERS
    from factory_kit.cli.demo_story import Story

    day = _day(datetime.now(ZONE).date())
    note(
        _(
            "A plant that does not exist, on {day}, an hour of it in {seconds:.1f} s. Everything below can be typed by hand."
        ).format(day=day, seconds=3600 / speed)
    )
    with Story(_free(folder)).told() as story:
        _collect(story, day, speed, seed)
        for title, made, chapter in CHAPTERS:
            with story.step(_(title), made):
                chapter(story)
    _ending(story)


def _collect(story: Story, day: date, speed: int, seed: int) -> None:
    """The plant of *seed* is read through *day*, from a workspace made for it."""
    from factory_kit.cli.demo_chapters import begin_district
    from factory_kit.testing import SimulatedPlant

    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    start, until = midnight - LEAD_IN, midnight + timedelta(days=1) + LEAD_OUT
    seconds = (until - start).total_seconds() / speed + CONNECTING_S
    with SimulatedPlant(seed=seed, speed=speed, start=start, until=until, wait=True) as plant:
        with story.step(_("A workspace for the plant"), "site.yaml"):
            write_site(story.workspace, plant.opcua_url, plant.modbus_port)
            story.run("check", story.workspace, "--timing")
        begin_district(story)
        with story.step(_("Collect from OPC UA and Modbus at once"), "store/"):
            story.run("collect", "-w", story.workspace, "--for", f"{seconds:.0f}s")


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


def write_site(workspace: Path, opcua_url: str, modbus_port: int) -> None:
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


def _ending(story: Story) -> None:
    """What was made, where, how long it took, and what to try on a real plant."""
    from factory_kit.cli.console import note, print_table
    from factory_kit.cli.demo_chapters import NAME

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
