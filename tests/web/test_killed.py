"""What the page was told is saved stays saved, however the server ends."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.sheet import AnswerSheet

pytestmark = pytest.mark.wire

KILLS = int(os.environ.get("FACTORY_KIT_KILLS", "2"))
WRITERS = 3
VALUES = ("0", "0.5", "0.8", "1")


def write(
    visitor: Any, code: str, last: dict[str, str], sent: dict[str, str], draw: random.Random, told: threading.Event
) -> None:
    """Answer *code* again and again until the server is gone, noting what was acknowledged and what was sent."""
    try:
        version = visitor.version(code)
        while True:
            sent[code] = f"{draw.choice(VALUES)}|{draw.randrange(10**9)}"
            value, remark = sent[code].split("|")
            answer = visitor.post(code, "answer", choice=f"value:{value}", remark=remark, seen=version)
            assert answer.status == 200
            last[code], version = sent[code], answer.json["version"]
            told.set()
    except (OSError, EOFError, ConnectionError):
        return


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    folder: AssessmentFolder, server: Callable[..., Any]
) -> None:
    """Three writers, the server killed in the middle, again and again: each answer is the last acknowledged one, or the one being sent."""
    draw = random.Random(11)  # noqa: S311 - the same each time
    codes = ["PS.1.a", "MP3.2.a", "MP7.2.a"][:WRITERS]
    acknowledged = 0
    for number in range(KILLS):
        served = server(folder)
        last: dict[str, str] = {}
        sent: dict[str, str] = {}
        told = [threading.Event() for _ in codes]
        writers = [
            threading.Thread(target=write, args=(served.visitor(), code, last, sent, random.Random(number), event))  # noqa: S311
            for code, event in zip(codes, told, strict=True)
        ]
        for writer in writers:
            writer.start()
        assert all(event.wait(240) for event in told)
        threading.Event().wait(draw.random() * 0.3)
        served.process.kill()
        for writer in writers:
            writer.join()
        found = AnswerSheet(folder).scored().answers.answers
        standing = {code: f"{found[code].value}|{found[code].remark}" for code in codes}
        assert all(standing[code] in {last[code], sent[code]} for code in codes)
        acknowledged += len(last)
        assert not [path for path in folder.path.glob("answers*.yaml") if path != folder.answers_file]
    assert acknowledged == KILLS * len(codes)
