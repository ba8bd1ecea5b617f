from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from factory_kit.store import Store

T0 = 1_788_220_800_000_000
DAY = 86_400_000_000


def test_merged_files_live_on(wrote: Callable[..., Store]) -> None:
    """A file that is here, and one that was merged, and merged again, are not lost."""
    store = wrote([(1, T0, 1.0), (2, T0 + DAY, 1.0)])
    first = store.files(T0, T0 + 2 * DAY)
    assert store.lost(first) == []
    for number in range(3):
        wrote([(1, T0 + number + 1, 2.0)], f"run-{number + 2}")
        store.compact()

    assert store.lost([*first, *store.files(T0, T0 + 2 * DAY)]) == []
    assert not {each.path for each in first} & {each.path for each in store.files(T0, T0 + DAY)}


def test_what_a_repair_took_out_is_lost(wrote: Callable[..., Store]) -> None:
    """A file that was damaged or missing has no heir, nor has what was merged into it; what was merged before still has."""
    store = wrote([(1, T0, 1.0)])
    store.compact()
    early = store.files(T0, T0 + DAY)
    wrote([(1, T0 + 1, 1.0)], "run-2")
    store.compact()
    late = store.files(T0, T0 + DAY)
    (store.folder / late[0].path).unlink()
    store.repair()

    assert store.lost(early) == [early[0].path]
    assert store.lost(late) == [late[0].path]


def test_another_file_under_a_known_name_is_lost(wrote: Callable[..., Store]) -> None:
    """Rows and sha256 count, not only the name."""
    (file,) = wrote([(1, T0, 1.0)]).files(T0, T0 + 1)
    store = wrote([(1, T0 + 1, 1.0)], "run-2")

    assert store.lost([replace(file, rows=2)]) == [file.path]
    assert store.lost([replace(file, sha256="0" * 64)]) == [file.path]
    assert store.lost([file]) == []
