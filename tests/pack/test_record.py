"""What became of a product at the exchange."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from factory_kit.errors import FactoryKitError, UsageError
from factory_kit.load.product import product_folder
from factory_kit.pack.record import Event, add_event, current, days_left, read_events, renewal_ahead, renewal_due
from factory_kit.reports.product_record import record_page
from factory_kit.reports.wording import wording
from factory_kit.shipped import data_dir

from .conftest import site
from .test_release import run, workspace

__all__ = ["workspace"]


def event(state: str = "registered", on: str = "2026-11-01", **more: Any) -> Event:
    """An entry of the shipped product."""
    return Event("energy-hourly", "1.0.0", state, on, **({"machines": "owned", "certificate": "SDE-1"} | more))  # type: ignore[arg-type]


def test_a_product_is_registered_then_listed(tmp_path: Path) -> None:
    """The entries are kept in order, and the last one stands."""
    file = tmp_path / "products.jsonl"
    add_event(file, event("draft", certificate=""))
    add_event(file, event("registered", renew_by="2027-11-01", delivery=("file", "sandbox")))
    add_event(file, event("listed", "2026-12-01", certificate="SDE-2"))

    now = current(read_events(file), "energy-hourly")
    assert [each.state for each in read_events(file)] == ["draft", "registered", "listed"]
    assert now is not None
    assert (now.state, now.certificate) == ("listed", "SDE-2")
    assert read_events(file)[1].delivery == ("file", "sandbox")
    assert current(read_events(file), "other") is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"machines": "leased"}, "the machines are leased: name the contract"),
        ({"machines": "rented"}, "'rented' does not say whose machines they are"),
        ({"certificate": ""}, "a product that is registered has a certificate"),
        ({"state": "sold"}, "'sold' is no state"),
        ({"on": "2026-13-01"}, "'2026-13-01' is not a date"),
        ({"renew_by": "2026-10-01"}, "is not after 2026-11-01"),
    ],
)
def test_an_entry_that_would_be_sent_back_is_refused(changes: dict[str, str], message: str) -> None:
    """Leased machines without contract, certificates without number, dates that are none."""
    with pytest.raises(UsageError, match=message):
        event(**changes)


def test_a_registration_is_renewed_with_a_new_certificate(tmp_path: Path) -> None:
    """A product that stays registered gets a new certificate and a later day; so does a listed one."""
    file = tmp_path / "products.jsonl"
    add_event(file, event(renew_by="2027-11-01"))
    add_event(file, event("registered", "2027-10-01", certificate="SDE-2", renew_by="2029-10-01"))
    add_event(file, event("listed", "2027-12-01", certificate="SDE-3", renew_by="2028-12-01"))
    add_event(file, event("listed", "2028-11-01", certificate="SDE-4", renew_by="2029-12-01"))

    assert [(each.certificate, each.renew_by) for each in read_events(file)][-1] == ("SDE-4", "2029-12-01")


def test_a_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    """Entries without title and kind are those of a real plant."""
    file = tmp_path / "products.jsonl"
    add_event(file, event())
    line = json.loads(file.read_text("utf-8"))
    file.write_text(
        json.dumps({key: value for key, value in line.items() if key not in ("title", "kind")}) + "\n", encoding="utf-8"
    )

    assert [(each.title, each.kind) for each in read_events(file)] == [("", "real")]


def test_a_demonstration_is_said_on_its_page() -> None:
    """What is made of simulated data is nobody's product."""
    product = product_folder(data_dir("datasets") / "energy-hourly").product
    page = record_page([event(kind="demo")], product, site().plant, date(2026, 12, 1), "zh")

    assert [part.id for part in page.sections[0].parts] == ["demo", "now"]
    with pytest.raises(UsageError, match="'toy' is no kind"):
        event(kind="toy")


def test_entries_follow_one_another(tmp_path: Path) -> None:
    """Nothing is listed that was not registered, nothing goes back in time."""
    file = tmp_path / "products.jsonl"
    with pytest.raises(UsageError, match="is not registered yet, so it cannot be listed"):
        add_event(file, event("listed"))
    add_event(file, event())
    with pytest.raises(UsageError, match="is registered; from there it cannot become draft"):
        add_event(file, event("draft"))
    with pytest.raises(UsageError, match="2026-10-01 lies before the last entry of 2026-11-01"):
        add_event(file, event("listed", "2026-10-01"))
    assert len(read_events(file)) == 1


def test_a_damaged_file_is_said_with_its_line(tmp_path: Path) -> None:
    """One line that is none, and its number."""
    file = tmp_path / "products.jsonl"
    add_event(file, event())
    file.write_text(file.read_text("utf-8") + "{}\n", encoding="utf-8")

    with pytest.raises(FactoryKitError, match=r"products\.jsonl:2: is no entry"):
        read_events(file)


def test_the_page_shows_the_state_and_a_certificate_that_ran_out() -> None:
    """One page with state, certificate, owner and delivery; after the renewal date it says so."""
    product = product_folder(data_dir("datasets") / "energy-hourly").product
    events = [event(renew_by="2027-11-01", machines="leased", agreement="HT-7", delivery=("file",))]
    fresh = record_page(events, product, site().plant, date(2027, 11, 1), "zh")
    late = record_page(events, product, site().plant, date(2027, 11, 2), "en")
    shown = [cell.text for _name, cell in fresh.part("now").items]  # type: ignore[union-attr]

    assert {"已登记", "SDE-1", "租赁", "HT-7", "文件传输"} <= set(shown)
    assert [part.id for part in late.sections[0].parts] == ["due", "now"]
    assert [part.id for part in fresh.sections[0].parts] == ["soon", "now"]
    assert not renewal_due(events[0], date(2027, 11, 1))


@pytest.mark.parametrize(
    ("today", "left", "announced"),
    [((2027, 8, 2), 91, False), ((2027, 8, 3), 90, True), ((2027, 11, 1), 0, True), ((2027, 11, 2), -1, False)],
)
def test_a_renewal_is_announced_ninety_days_ahead(today: tuple[int, int, int], left: int, announced: bool) -> None:
    """From the ninetieth day before to the last; what was withdrawn needs none."""
    entry, day = event(renew_by="2027-11-01"), date(*today)

    assert (days_left(entry, day), renewal_ahead(entry, day)) == (left, announced)
    assert not renewal_ahead(entry, day, ahead=-1)
    assert days_left(event("withdrawn", renew_by="2027-11-01"), day) is None
    assert days_left(event(), day) is None


def test_what_is_noted_is_listed_with_its_renewals(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last entry of each product, the next renewal first, and a line for what falls due within the days asked for."""
    day = int(datetime(2027, 9, 2, 12, tzinfo=UTC).timestamp()) * 1_000_000
    monkeypatch.setattr("factory_kit.cli.clock.now", lambda: day)
    noted = ("--on", "2026-11-01", "--machines", "owned", "-w", workspace, "--state", "registered")
    assert run("pack", "record", "-w", workspace) == 0
    assert "Nothing is noted yet." in capsys.readouterr().err
    for name, renew in (("cnc-spindle", "2028-01-01"), ("energy-hourly", "2027-11-01"), ("oee-events", "2027-09-01")):
        more = ("--certificate", f"SDE-{renew}", "--renew-by", renew, "--out", workspace / "record.docx")
        assert run("pack", "record", name, *noted, *more) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "energy-hourly: renew the certificate SDE-2027-11-01 by 2027-11-01; 60 days are left." in said
    assert "cnc-spindle: renew" not in said

    assert run("pack", "record", "-w", workspace, "--ahead", "59") == 0
    shown = capsys.readouterr()
    assert shown.out.count("Registered") == 3
    assert "ran out on 2027-09-01" in shown.err
    assert "energy-hourly" not in shown.err
    assert run("pack", "record", "-w", workspace, "--json") == 0
    listed = [each["product"] for each in json.loads(capsys.readouterr().out)]
    assert listed == ["oee-events", "energy-hourly", "cnc-spindle"]
    assert run("pack", "record", "energy-hourly", "-w", workspace, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["days_left"], told["renewal_ahead"], told["state"]) == (60, True, "registered")


def test_an_entry_that_lacks_something_says_what(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written without product, state, day, owner and page; a product nobody noted is one line."""
    assert run("pack", "record", "energy-hourly", "--state", "draft", "-w", workspace) == 2
    assert "an entry needs --on, --machines, --out as well" in capsys.readouterr().err
    assert run("pack", "record", "energy-hourly", "-w", workspace) == 2
    assert "energy-hourly: nothing is noted of this data product" in capsys.readouterr().err
    assert not (workspace / "products.jsonl").exists()


def test_both_languages_of_the_page_have_the_same_texts() -> None:
    """No text of the page is missing in one language."""
    assert wording("product_record", "zh").texts.keys() == wording("product_record", "en").texts.keys()
