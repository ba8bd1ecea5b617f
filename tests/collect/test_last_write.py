"""The end of a run while the store is busy."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from factory_kit.collect.book import Book
from factory_kit.collect.run import collect
from factory_kit.store import Store, Writer

pytestmark = pytest.mark.wire


def test_what_came_while_the_store_was_writing_is_written_at_the_end(
    make_site: Any, make_connector: Any, store: Store, now: Any, plant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is ended while an append is under way: what came meanwhile, and the gaps of the end, are in the store too."""
    writing, ending = threading.Event(), threading.Event()
    append, settle = Writer.append, Book.settle

    def slow(writer: Any, batch: Any) -> None:
        if not writing.is_set():
            writing.set()
            ending.wait(60)
        append(writer, batch)

    def settled(book: Any, at: int) -> None:
        book.interrupt(book.places, at - 1000, "the end")
        settle(book, at)
        threading.Timer(0.5, ending.set).start()  # the run has said that it ends by then

    monkeypatch.setattr(Writer, "append", slow)
    monkeypatch.setattr(Book, "settle", settled)
    server = {"driver": "opcua", "url": plant.url, "security": "None", "publishing_ms": 50, "sampling_ms": 0}
    site = make_site({"ua": server}, [{"id": "m", "connector": "opcua", "server": "ua"}])
    connector = make_connector("opcua", ("v7", "ns=?;s=v7", "float64"), namespace="urn:test:plant")

    async def main() -> Any:
        stop = asyncio.Event()
        running = asyncio.create_task(collect(site, {"opcua": connector}, store, now=now, stop=stop))
        await asyncio.to_thread(writing.wait, 60)
        await asyncio.to_thread(plant.write, "v7", 77.0, datetime.now(UTC))
        await asyncio.sleep(1)
        stop.set()
        return await running

    outcome = asyncio.run(asyncio.wait_for(main(), 120))

    with store.connect() as con:
        assert con.execute("select count(*) from samples").fetchall() == [(outcome.samples,)]
        assert con.execute("select sum(delivered) from loss_ledger").fetchall() == [(outcome.samples,)]
        assert con.execute("select count(*) from gaps where reason = 'the end'").fetchall() == [(1,)]
