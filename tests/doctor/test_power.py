"""What settings of three systems say about sleep."""

from __future__ import annotations

import pytest

from factory_kit.doctor.power import gnome_sleep, logind_settings, pmset_sleep, power_finding, powercfg_sleep

POWERCFG = """
电源方案 GUID: 381b4222-f694-41f0-9685-ff5bb260df2e  (平衡)
    电源设置 GUID: 29f6c1db-86da-48c5-9fdb-f2b67b1f44da  (在此时间后睡眠)
      最小可能的设置: 0x00000000
      最大可能的设置: 0xffffffff
      可能的设置增量: 0x00000001
    当前交流电源设置索引: 0x00000708
    当前直流电源设置索引: 0x00000384
"""
PMSET = """
Battery Power:
 sleep                1
 disksleep            10
AC Power:
 standby              1
 sleep                15
"""


def test_windows_tells_it_in_every_language() -> None:
    """The last number but one is that of mains power, in seconds; nothing said is nothing known."""
    assert powercfg_sleep(POWERCFG.encode("gbk").decode("ascii", "replace")) == 1800
    assert powercfg_sleep("") is None


def test_a_mac_tells_it_in_minutes() -> None:
    """The part about mains power counts."""
    assert pmset_sleep(PMSET) == 900
    assert pmset_sleep("") is None


@pytest.mark.parametrize(
    ("action", "seconds", "expected"),
    [("'suspend'\n", "1200\n", 1200), ("'nothing'\n", "1200\n", 0), ("", "", 0), ("'hibernate'", "uint32 60", 60)],
)
def test_a_desktop_tells_it(action: str, seconds: str, expected: int) -> None:
    """GNOME says what it does and after how long."""
    if seconds.startswith("uint32"):
        seconds = seconds.removeprefix("uint32")
    assert gnome_sleep(action, seconds) == expected


def test_later_files_of_logind_win() -> None:
    """Lines that are commented out count nothing."""
    texts = ("[Login]\n#IdleAction=suspend\nHandleLidSwitch=suspend\n", "[Login]\nHandleLidSwitch = ignore\n")

    assert logind_settings(texts) == {"HandleLidSwitch": "ignore"}


def test_this_machine_is_asked_without_harm() -> None:
    """Whatever can be read here, there is an answer that is never a lack."""
    found = power_finding()

    assert found.state in {"ok", "note", "limited"}
    assert found.found
