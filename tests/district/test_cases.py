"""What an office decides after receiving stands in its journal, changes what counts, and outlives whatever ends in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_kit.district.cases import day_of, last_day
from factory_kit.district.erasure import erase, finish_erasures
from factory_kit.district.index import rebuild_index
from factory_kit.district.journal import FILE, Journal
from factory_kit.district.letters import open_returns
from factory_kit.district.office import Office
from factory_kit.district.receive import Receipt
from factory_kit.district.statistics import statistics
from factory_kit.district.stats import counted
from factory_kit.errors import Altered, SealError, UsageError
from factory_kit.seal.chain import follow_chain, open_chain
from factory_kit.testing.district import Submission, make_inbox

Take = Callable[..., list[Receipt]]
NOW = 1_790_000_000_000_000
LI = ("li", "officer")


@pytest.fixture
def journal(office: Office) -> Journal:
    """The journal of ``office``."""
    return Journal(office.path, lambda: NOW)


def send_back(journal: Journal, receipt: int) -> None:
    """An officer returns what was accepted."""
    journal.write("review", *LI, receipt=receipt, verdict="returned", reason="the tour is missing")


def test_what_was_sent_back_counts_nowhere(
    take: Take, office: Office, inbox: list[Submission], journal: Journal
) -> None:
    """Neither in the index nor in the plain count; the letter holds the reason; upheld, it counts again."""
    number = take(inbox[0].path, inbox[1].path)[0].number
    send_back(journal, number)

    model = "gbt-39116@2020"
    assert [each.number for each in counted(office)] == [2]
    assert statistics(office)["models"][model]["all"][0]["n"] == 1
    (links,) = open_returns(office).values()
    assert [(each.n, each.record["outcome"]) for each in links] == [(number, "returned")]
    assert links[0].record["rulings"][-1]["details"] == {"reason": "the tour is missing"}

    raised = journal.write("objection", *LI, receipt=number, text="it is there", due="2026-10-06")
    journal.write("decision", *LI, objection=raised.n, answer="upheld", reason="so it is")
    assert statistics(office)["models"][model]["all"][0]["n"] == 2
    assert open_returns(office) == {}


def test_what_was_sent_back_may_come_again_mended(
    take: Take, office: Office, inbox: list[Submission], journal: Journal, tmp_path: Path
) -> None:
    """A second bundle of the plants is returned by R11 where the first stands, and taken where the office sent it back."""
    first = take(inbox[0].path, inbox[1].path)
    send_back(journal, first[0].number)
    other = make_inbox(tmp_path / "again", count=5, seed=2)

    mended, second = take(other[0].path, other[1].path)
    (same,) = take(inbox[0].path)

    assert (mended.outcome, mended.rulings) == ("accepted", ())
    assert (second.outcome, [each.rule for each in second.rulings]) == ("returned", ["R11"])
    assert (same.outcome, same.number) == ("duplicate", first[0].number)
    assert [each.number for each in counted(office)] == [2, mended.number]


def test_an_erasure_that_was_interrupted_is_finished(
    take: Take, office: Office, inbox: list[Submission], journal: Journal
) -> None:
    """With the tombstone written and the file still there the next start removes it; a rebuild does not miss it."""
    (receipt,) = take(inbox[0].path)
    (bundle,) = office.bundles_folder.glob("*.zip")
    content = bundle.read_bytes()
    erase(office, journal, receipt.number, "request", "they asked", LI)
    assert not bundle.exists()
    bundle.write_bytes(content)

    assert finish_erasures(office, Journal(office.path, lambda: NOW)) == 1
    assert not bundle.exists()
    assert rebuild_index(office).bundles == 0
    assert [each.number for each in counted(office)] == [receipt.number]
    with pytest.raises(UsageError, match="was erased before"):
        erase(office, journal, receipt.number, "request", "again", LI)
    with pytest.raises(UsageError, match="no accepted bundle under this number"):
        erase(office, journal, 99, "request", "nothing", LI)


def test_two_journals_of_one_folder_follow_each_other(office: Office, journal: Journal) -> None:
    """What another process writes is seen, and the chain goes on after it."""
    other = Journal(office.path, lambda: NOW)
    journal.write("login", *LI)
    other.write("login", "wang", "reader")
    journal.write("logout", *LI)

    assert [link.record["by"] for link in other.links] == ["li", "wang", "li"]
    assert [link.n for link in journal.links] == [1, 2, 3]


def test_a_decision_that_is_refused_writes_nothing(office: Office, journal: Journal) -> None:
    """What the maker of a record raises is passed on, and the journal stays as it was."""

    def make(_cases: object) -> dict[str, Any]:
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        journal.decide("review", *LI, make)
    assert journal.links == []
    journal.write("login", *LI)
    assert len(journal.links) == 1
    assert (office.path / FILE).exists()


def test_a_chain_is_followed_and_never_backwards(tmp_path: Path) -> None:
    """Only whole records are taken; a chain that became shorter, or another one, is altered; one that is gone cannot be read."""
    path = tmp_path / "chain.jsonl"
    assert follow_chain(path, None, 0) == ([], 0)
    with open_chain(path) as chain:
        chain.append({"a": 1})
    (first,), end = follow_chain(path, None, 0)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"form":1,"ha')
    assert follow_chain(path, first, end) == ([], end)
    path.write_bytes(whole + whole)
    with pytest.raises(Altered, match="record 2 does not follow"):
        follow_chain(path, first, end)
    path.write_bytes(whole[:-5])
    with pytest.raises(Altered, match="were removed"):
        follow_chain(path, first, end)
    path.unlink()
    with pytest.raises(SealError, match="cannot be read"):
        follow_chain(path, first, end)


def test_days_are_those_of_the_campaigns_zone() -> None:
    """Half past midnight in Shanghai is the evening before in UTC; a period ends that many days after its first."""
    moment = "2026-02-27T16:30:00Z"

    assert str(day_of(moment, "Asia/Shanghai")) == "2026-02-28"
    assert str(day_of(moment, "UTC")) == "2026-02-27"
    assert str(last_day(moment, 15, "Asia/Shanghai")) == "2026-03-15"
