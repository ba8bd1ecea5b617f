"""What a person or a program sees while a collection runs: a screen that lives, lines, or JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import RenderableType

    from factory_kit.collect.run import Outcome
    from factory_kit.collect.status import Notice, Observer, ServerStatus, Status

__all__ = ["Surroundings", "say_outcome", "watching"]

LOOKS = {"running": "green", "connecting": "yellow", "lost": "red", "refused": "red", "closed": "dim"}
STATES = (N_("running"), N_("connecting"), N_("lost"), N_("refused"), N_("closed"))
"""States of a server, for the catalogue."""
DAY_US = 86_400_000_000
EXPIRING_DAYS = 60
WIDE = 100
"""Cells of a terminal that has room for the addresses."""
LITTLE_DISK = 2_000_000_000
"""Bytes; below this the screen warns."""


@dataclass
class Surroundings:
    """What a collection depends on and does not read itself: the disk, its certificates, and how long it is to run."""

    workspace: Path
    certificates: Path
    seconds: float | None
    now: Callable[[], int]
    zone: str = "UTC"
    """Of the times of day that a person reads."""
    _ends: tuple[str, int] | None = None
    _looked: bool = False

    @property
    def disk_free(self) -> int:
        """Bytes that are free where the store is; -1 where the system does not say."""
        try:
            return shutil.disk_usage(self.workspace).free
        except OSError:
            return -1

    @property
    def certificate(self) -> tuple[str, int] | None:
        """The certificate that ends next, our own or a trusted one, and the whole days it has left; None without any."""
        if not self._looked:
            from factory_kit.drivers.opcua.security import next_to_end

            self._looked, self._ends = True, next_to_end(self.certificates)
        return None if self._ends is None else (self._ends[0], (self._ends[1] - self.now()) // DAY_US)

    @property
    def time_of_day(self) -> str:
        """HH:MM:SS in the plant's zone."""
        return f"{datetime.fromtimestamp(self.now() // 1_000_000, ZoneInfo(self.zone)):%H:%M:%S}"

    def seconds_left(self, status: Status) -> float | None:
        """How long the collection still runs, None where nobody said."""
        return None if self.seconds is None else max(0.0, self.seconds - status.elapsed_s)

    def as_json(self, status: Status) -> dict[str, object]:
        """All of it, for programs."""
        certificate = self.certificate
        return {
            "disk_free": self.disk_free,
            "seconds_left": self.seconds_left(status),
            "certificate": None if certificate is None else {"name": certificate[0], "days_left": certificate[1]},
        }


@contextmanager
def watching(around: Surroundings, *, quiet: bool, as_json: bool) -> Iterator[Observer]:
    """The observer that fits where standard error goes: a live screen, lines, or JSON on standard output."""
    from factory_kit.cli.console import stderr

    if as_json:
        yield _Json(around)
        return
    if quiet or not stderr().is_terminal:
        yield _Lines(around)
        return
    from rich.live import Live

    with Live(console=stderr(), refresh_per_second=4, transient=False) as live:
        yield _Screen(live.update, around)


class _Lines:
    """One line when something changes, and one every ten seconds."""

    EVERY_S = 10.0

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._told = 0.0
        self._warned: set[str] = set()

    def status(self, status: Status) -> None:
        """A line now and then."""
        if status.elapsed_s - self._told >= self.EVERY_S:
            self._told = status.elapsed_s
            self._say(_summary(status))
            for line in _warnings(self._around):
                if line not in self._warned:
                    self._warned.add(line)
                    self._say(line)

    def notice(self, notice: Notice) -> None:
        """A line at once."""
        self._say(f"{self._around.time_of_day}  {_said(notice)}")

    @staticmethod
    def _say(text: str) -> None:
        from factory_kit.cli.console import note

        note(text)


class _Json:
    """JSON Lines on standard output, for programs."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def status(self, status: Status) -> None:
        """One object a second."""
        from dataclasses import asdict

        self._write({"status": asdict(status), "around": self._around.as_json(status)})

    def notice(self, notice: Notice) -> None:
        """One object at once."""
        self._write({"notice": {"server": notice.server, "said": str(notice)}})

    @staticmethod
    def _write(value: object) -> None:
        sys.stdout.write(_line(value))
        sys.stdout.flush()


class _Screen:
    """A table that lives: per server rate, delivered, bad, errors, reconnects and lag."""

    MOST_NOTICES = 6

    def __init__(self, show: Callable[[RenderableType], None], around: Surroundings) -> None:
        self._show = show
        self._around = around
        self._notices: list[str] = []
        self._last: Status | None = None

    def status(self, status: Status) -> None:
        """The table anew."""
        self._last = status
        self._show(self._picture(status))

    def notice(self, notice: Notice) -> None:
        """The newest lines stay under the table."""
        self._notices = [*self._notices, f"{self._around.time_of_day}  {_said(notice)}"][-self.MOST_NOTICES :]
        if self._last is not None:
            self._show(self._picture(self._last))

    def _picture(self, status: Status) -> RenderableType:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        from factory_kit.cli.console import stderr

        wide = stderr().width >= WIDE
        table = Table(
            title=_summary(status),
            title_justify="left",
            title_style="bold",
            header_style="bold",
            box=box.HEAVY_HEAD if wide else box.SIMPLE_HEAD,
            show_edge=wide,
            padding=(0, 1) if wide else (0, 1, 0, 0),
        )
        for index, name in enumerate(_headings(wide=wide)):
            table.add_column(name, justify="left" if index < (3 if wide else 2) else "right")
        for server in status.servers:
            table.add_row(*_cells(server, wide=wide))
        lines = [Text(_rest(status, self._around), style="dim")]
        lines += [Text(line, style="red") for line in _warnings(self._around)]
        return Group(table, *lines, *(Text(line, style="yellow") for line in self._notices))


def _headings(*, wide: bool) -> list[str]:
    """The columns; a narrow terminal has no room for the address."""
    where = [_("Server"), _("Address")] if wide else [_("Server")]
    counts = [_("Points"), _("Values/s"), _("Values"), _("Bad"), _("Errors"), _("Reconnects"), _("Lag")]
    return [*where, _("State"), *counts]


def _cells(server: ServerStatus, *, wide: bool) -> list[RenderableType]:
    from rich.text import Text

    from factory_kit.cli.console import spelled

    look = LOOKS[server.state]
    share = f"{100 * server.bad / max(server.delivered, 1):.1f}\u00a0%"
    bad = "0" if not server.bad else f"{server.bad} ({share})" if wide else share
    numbers = (
        str(server.points),
        f"{server.rate:.0f}",
        str(server.delivered),
        bad,
        str(server.errors),
        str(server.reconnects),
        f"{server.lag_ms:.0f} ms",
    )
    where = (server.server, server.address) if wide else (server.server,)
    return [*(Text(spelled(each)) for each in where), Text(_(server.state), style=look), *numbers]


def _summary(status: Status) -> str:
    text = _("{time}  {rate:.0f} values/s  {delivered} values  {megabytes:.1f} MB on disk  origin: {origin}")
    return text.format(
        time=_clock(status.elapsed_s),
        rate=status.rate,
        delivered=status.delivered,
        megabytes=status.bytes_written / 1e6,
        origin=_(status.origin),
    )


def _rest(status: Status, around: Surroundings) -> str:
    """Queue, disk, certificate and time left, in one line under the table."""
    parts = [_("waiting to be written: {count}").format(count=status.waiting)]
    if status.dropped:
        parts.append(_("dropped: {count}").format(count=status.dropped))
    if around.disk_free >= 0:
        parts.append(_("disk left: {gigabytes:.1f} GB").format(gigabytes=around.disk_free / 1e9))
    if around.certificate is not None:
        parts.append(
            _("next certificate ends in {days} days ({name})").format(
                days=around.certificate[1], name=around.certificate[0]
            )
        )
    left = around.seconds_left(status)
    if left is not None:
        parts.append(_("time left: {time}").format(time=_clock(left)))
    return "   ".join(parts)


def _warnings(around: Surroundings) -> list[str]:
    """What will end the collection if nobody acts."""
    lines = []
    certificate = around.certificate
    if certificate is not None and certificate[1] < 0:
        lines.append(_("The certificate {name} has ended; let it be renewed.").format(name=certificate[0]))
    elif certificate is not None and certificate[1] < EXPIRING_DAYS:
        lines.append(
            _("The certificate {name} ends in {days} days; let it be renewed in time.").format(
                name=certificate[0], days=certificate[1]
            )
        )
    if 0 <= around.disk_free < LITTLE_DISK:
        lines.append(_("The disk is nearly full: {megabytes:.0f} MB left.").format(megabytes=around.disk_free / 1e6))
    return lines


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:d}:{minutes:02d}:{rest:02d}"


def _said(notice: Notice) -> str:
    from factory_kit.cli.console import spelled

    return spelled(f"{notice.server}: {_(notice.message).format(**notice.details)}")


def _line(value: object) -> str:
    """*value* as one line of JSON in which no sign can move a terminal."""
    from factory_kit.cli.console import json_text

    return json_text(value, indent=None) + "\n"


def say_outcome(outcome: Outcome, *, as_json: bool) -> None:
    from dataclasses import asdict

    from factory_kit.cli.console import success

    if as_json:
        sys.stdout.write(_line({"outcome": asdict(outcome)}))
        return
    bad = sum(server.bad for server in outcome.servers)
    text = _(
        "{samples} samples ({bad} of bad quality), {gaps} gaps, {dropped} dropped, origin {origin}, {megabytes:.1f} MB; run {run}"
    )
    success(
        text.format(
            samples=outcome.samples,
            bad=bad,
            gaps=outcome.gaps,
            dropped=outcome.dropped,
            origin=_(outcome.origin.value),
            megabytes=outcome.bytes_written / 1e6,
            run=outcome.run,
        )
    )


ORIGINS = (N_("live"), N_("imported"), N_("replayed"), N_("simulated"))
"""Origins of samples, for the catalogue."""
