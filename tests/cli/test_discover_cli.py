"""``discover opcua``, ``collect --install-service``, passwords and the screen, as somebody at the terminal meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory_kit.cli import secrets
from factory_kit.cli.console import json_text, spelled
from factory_kit.cli.screen import Surroundings, _rest, _warnings
from factory_kit.collect.securityrecord import Asked, security_record
from factory_kit.collect.status import Status
from factory_kit.drivers.opcua.security import Offer, own_certificate

Command = Callable[..., Any]
NOW = 1_790_000_000_000_000
SITE = """\
site: 1
kind: real
plant:
  id: my-plant
  name: {zh: 厂, en: Plant}
  credit_code: "91310117MA00000000"
  type: discrete
  industry: {code: "3484"}
authorisation:
  {granted_by: A, reference: R, granted_on: 2020-01-01, valid_until: 2099-12-31, addresses: ["192.0.2.1:4840"]}
equipment:
  - {id: m, name: {zh: 机, en: m}}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace that allows one address nobody has."""
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    return tmp_path


def test_discover_shows_first_and_sends_nothing(factory_kit: Command, workspace: Path) -> None:
    """The dry run names address, services and limits; nothing but the note that it was shown is written."""
    said = factory_kit("discover", "opcua", "opc.tcp://192.0.2.1", "-w", str(workspace), "--json", "--nodes", "77")

    assert said.code == 0
    plan = json.loads(said.out)
    assert (plan["address"], plan["nodes"], plan["security"]) == ("192.0.2.1:4840", 77, "auto")
    assert {each["service"] for each in plan["sends"]} >= {"GetEndpoints", "Browse, BrowseNext", "Read"}
    assert [path.name for path in workspace.rglob("*") if path.is_file() and path.name != "site.yaml"] == [
        "dry-run.json"
    ]


def test_discover_goes_only_after_just_this_was_shown(factory_kit: Command, workspace: Path) -> None:
    """``--go`` before the dry run, or with other limits, is wrong use."""
    words = ("discover", "opcua", "opc.tcp://192.0.2.1", "-w", str(workspace))
    assert factory_kit(*words, "--go").code == 2
    assert factory_kit(*words).code == 0
    said = factory_kit(*words, "--nodes", "9", "--go")

    assert said.code == 2
    assert "run the same command without --go" in " ".join(said.err.split())


def test_an_address_that_nobody_allowed_is_not_even_shown(factory_kit: Command, workspace: Path) -> None:
    """Without permission there is no dry run either."""
    said = factory_kit("discover", "opcua", "opc.tcp://192.0.2.2", "-w", str(workspace))

    assert said.code == 2
    assert "does not cover 192.0.2.2:4840" in said.err


def test_the_files_of_a_service_are_written_and_nothing_is_read(factory_kit: Command, workspace: Path) -> None:
    """The unit stands in the workspace, and what to type is said on standard output."""
    said = factory_kit("collect", "--install-service", "-w", str(workspace))

    assert said.code == 0
    assert [path.name for path in (workspace / "service").iterdir()] == ["factory-kit-my-plant.service"]
    assert "systemctl --user enable --now factory-kit-my-plant.service" in said.out
    assert "sudo" not in said.out
    assert not (workspace / "store").exists()


def test_a_password_comes_from_the_environment_then_the_keyring_and_is_never_asked_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The variable wins; a keyring that fails has none; without a terminal nobody is asked."""
    import sys

    keyring = SimpleNamespace(get_password=lambda service, server: f"{service}/{server}")
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert secrets.secret("line-1") == "factory-kit/line-1"
    monkeypatch.setenv("FACTORY_KIT_PASSWORD_LINE_1", "hush")
    assert secrets.secret("line-1") == "hush"

    def locked(_service: str, _server: str) -> str:
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=locked))
    assert secrets.secret("line-2") is None


def _status(**more: Any) -> Status:
    return Status(**{"run": "r", "origin": "live", "elapsed_s": 10.0, "rate": 1.0, "delivered": 9, "waiting": 3, "dropped": 0, "bytes_written": 5, "servers": (), **more})  # fmt: skip


def test_the_line_under_the_table_says_queue_disk_certificate_and_time(tmp_path: Path) -> None:
    """Whatever will end the collection is seen in time."""
    own_certificate(tmp_path, NOW)
    around = Surroundings(tmp_path, tmp_path, 3670.0, lambda: NOW)

    said = _rest(_status(dropped=2), around)

    assert said.startswith("waiting to be written: 3   dropped: 2   disk left: ")
    assert said.endswith("next certificate ends in 1825 days (factory-kit)   time left: 1:01:00")
    assert _warnings(around) == []


@pytest.mark.parametrize(("days", "said"), [(1800, "ends in 25 days"), (1826, "has ended")])
def test_a_certificate_is_warned_of_before_it_ends(tmp_path: Path, days: int, said: str) -> None:
    """Within two months of its end, and after it."""
    own_certificate(tmp_path, NOW)
    (warning,) = _warnings(Surroundings(tmp_path, tmp_path, None, lambda: NOW + days * 86_400_000_000))

    assert said in warning


def test_no_sign_of_a_machine_reaches_the_terminal_as_a_command() -> None:
    """Escapes of both kinds are spelled out in lines, and escaped in JSON."""
    assert spelled("a\x1b[2J\x9bB") == "a\\x1b[2J\\x9bB"
    assert json_text({"a": "\x1b\x9b"}, indent=None) == '{"a": "\\u001b\\u009b"}'
    assert json.loads(json_text("\x9b")) == "\x9b"


def test_a_record_of_security_is_proven_from_what_it_holds(factory_kit: Command, workspace: Path) -> None:
    """``evidence verify`` computes it again from the endpoints in it, without a store; one that was bettered is named."""
    begun = factory_kit("assess", "new", "a", "-w", workspace, "--from", "2026-09-01", "--to", "2026-09-30")
    assert begun.code == 0, begun.err
    start, end = "2026-09-02T08:00:00.000001+08:00", "2026-09-02T08:00:09+08:00"
    asked = Asked("192.0.2.1:4840", "line", start, end, "R", "live", 1, "0.1.0")
    record = security_record([Offer("None", "None", b"", tokens=(("Anonymous", "None"),))], asked)
    file = workspace / "assessments" / "a" / "evidence" / record.file_name
    file.parent.mkdir(exist_ok=True)

    file.write_bytes(record.canonical())
    said = factory_kit("evidence", "verify", "a", "-w", workspace)
    assert (said.code, "1 records of security computed again" in said.out + said.err) == (0, True)

    file.unlink()
    details = {**record.details, "findings": []}
    bettered = replace(record, details=details)
    (file.parent / bettered.file_name).write_bytes(bettered.canonical())
    said = factory_kit("evidence", "verify", "a", "-w", workspace)
    assert said.code == 1
    assert "192.0.2.1_4840: what the server said gives another record" in " ".join(said.err.split())
