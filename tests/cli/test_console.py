"""Tables on standard output, on wide and on narrow terminals."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from factory_kit.cli import console

COLUMNS = ("Indicator", "Requests a cycle", "Bounds", "Last run")
ROWS = [("Share of key machines whose running parameters arrive in real time", 3, "0.6200 – 0.6825", "")]
NUMBERS = {1: True, 2: True, 3: True}


def shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    width: int,
    rows: Sequence[Sequence[object]] = ROWS,
) -> list[str]:
    """The lines of the table on a terminal of *width* cells."""
    monkeypatch.setattr(console, "results", lambda: console.Console(width=width, highlight=False))
    console.print_table(COLUMNS, rows, numbers=NUMBERS)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_wide_terminal_shows_the_frame_and_every_row_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where all fits, there is a frame, and empty columns stay."""
    lines = shown(monkeypatch, capsys, 140)

    assert len(lines) == 5
    assert lines[0].startswith("┏")
    assert "Last run" in lines[1]


def test_a_narrow_terminal_breaks_words_of_texts_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers stay whole, their heads are stacked, empty columns go, texts wrap at blanks, and no line is longer than the terminal."""
    lines = shown(monkeypatch, capsys, 50)

    assert lines == [
        "                        Requests",
        "                               a",
        "Indicator                  cycle           Bounds",
        "─" * 50,
        "Share of key machines          3  0.6200 – 0.6825",
        "whose running",
        "parameters arrive in",
        "real time",
    ]


def test_a_narrow_terminal_shows_the_heads_of_a_table_without_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to show is no reason to leave the columns out."""
    lines = shown(monkeypatch, capsys, 40, [])

    assert [word for head in COLUMNS for word in head.split() if word not in " ".join(lines)] == []


def test_a_command_to_be_pasted_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """Notes that hold a command, and Chinese ones, leave the breaking of lines to the terminal; other prose is wrapped at blanks."""
    command = "Next: factory-kit assess acknowledge " + "a/long/folder/" * 6 + "bundle.zip --key enterprise.key"

    console.note(command)
    console.note("下一步" * 40)
    console.note("word " * 40)

    assert capsys.readouterr().err.splitlines()[:2] == [command, "下一步" * 40]


@pytest.mark.parametrize(
    "pasted", ["/srv/a/b.zip", "D:\\数据\\b.zip", "https://example.org/a", "run factory-kit check now"]
)
def test_what_is_pasted_is_not_broken(
    pasted: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A note with a path, an address or a command stays one line on a narrow terminal; other English breaks at blanks."""
    monkeypatch.setattr(console, "stderr", lambda: console.Console(stderr=True, width=30, highlight=False))
    console.note(f"something rather long was written to {pasted} as you wished")
    console.success("and/or something rather long was written to nobody")

    whole, *broken = capsys.readouterr().err.splitlines()
    assert whole == f"something rather long was written to {pasted} as you wished"
    assert len(broken) == 2
