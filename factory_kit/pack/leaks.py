"""The last look before sealing: nothing in the folder of a package may name the plant's machines, points, servers or people."""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.errors import FactoryKitError
from factory_kit.pack.personal import about_people, masked, personal_data

__all__ = ["Leak", "identifying", "leaks", "require_no_leak"]

VOCABULARY = re.compile(r"[a-z_]+|[0-9.:-]+|[\u4e00-\u9fff]+")
"""Words anybody would use (``spindle_load``, 加工中心), and bare numbers: no identifiers in a text, unless they count something."""
COUNTED = re.compile(r"[0-9一二三四五六七八九十甲乙丙丁]")
LETTER_AND_DIGIT = re.compile(r"[A-Za-z].*[0-9]|[0-9].*[A-Za-z]")
PARTS = re.compile(r"[^A-Za-z0-9_\u4e00-\u9fff-]+")
TYPES = frozenset(
    {
        "sha256",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "utf8",
        "utf-8",
    }
)
SHORTEST = 3
REMEMBERED = 1_000_000
"""So many values of a column are looked at once only."""
CODED = frozenset({"PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"})
"""Ways of storing a column that pyarrow can hand out with its dictionary; DuckDB stores a few texts in another."""
WRITTEN = "product.json"
"""The paper that holds what people wrote; all others are made from it and from the rows."""
PARAGRAPH = re.compile(r"</(?:w:p|w:tc|c|si|row)>")
PNG = b"\x89PNG\r\n\x1a\n"
PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")
LONGEST_TEXT = 1 << 20
UNSEEN = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff]")


@dataclass(frozen=True, slots=True)
class Leak:
    """What was found where; the text itself is masked, since messages travel further than packages."""

    file: str
    kind: str
    text: str


def identifying(secrets: Iterable[str]) -> frozenset[str]:
    """Those of *secrets*, and of the parts of paths and NodeIds in them, that identify wherever they stand in a text."""
    known = tuple(secrets)
    words = {_plain(secret) for secret in known}
    words |= {_plain(part) for secret in known for part in PARTS.split(secret) if LETTER_AND_DIGIT.search(part)}
    return frozenset(word for word in words if len(word) >= SHORTEST and word not in TYPES and _identifies(word))


def leaks(folder: Path, secrets: Iterable[str], allowed: Iterable[str] = ()) -> list[Leak]:
    """All leaks below *folder*: in file names, texts, documents, Parquet metadata, column names and values.

    *allowed* are texts that shall stand there: the supplier's own name and credit code.
    """
    known = tuple(secrets)
    words = identifying(known)
    whole = {_plain(secret) for secret in known}
    permitted = sorted({_plain(text) for text in allowed if text}, key=len, reverse=True)
    found: dict[Leak, None] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        for text in (name, *_texts(path)):
            found.update(dict.fromkeys(_in_text(name, text, words, permitted)))
        if path.suffix == ".parquet":
            found.update(dict.fromkeys(_in_values(path, name, words, whole)))
    return list(found)


def require_no_leak(folder: Path, secrets: Iterable[str], allowed: Iterable[str] = ()) -> int:
    """How many names were looked for in *folder*; ``FactoryKitError`` with the first when one is there."""
    known = tuple(secrets)
    found = leaks(folder, known, allowed)
    if found:
        first = found[0]
        raise FactoryKitError(
            "{file}: would tell a {kind} of this plant ({text}), and {more} more; remove it, or let the recipe replace it",
            file=first.file, kind=first.kind, text=first.text, more=len(found) - 1,
        )  # fmt: skip
    return len(identifying(known))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _identifies(word: str) -> bool:
    if VOCABULARY.fullmatch(word):
        return bool(re.search(r"[\u4e00-\u9fff]", word) and COUNTED.search(word))
    return bool(re.search(r"[0-9\u4e00-\u9fff/;=-]", word)) or "." in word


def _in_text(file: str, text: str, words: frozenset[str], allowed: list[str]) -> Iterator[Leak]:
    """Names in *text*, and what check digits prove to be personal; telephones only where people wrote: counts look like them."""
    plain = _plain(text)
    for passage in allowed:
        plain = plain.replace(passage, " ")
    yield from (Leak(file, "name", masked(word)) for word in sorted(words) if word in plain and _stands(word, plain))
    found = personal_data(plain.upper())
    yield from (Leak(file, each.kind, masked(each.text)) for each in found if each.kind != "mobile" or file == WRITTEN)


def _stands(word: str, text: str) -> bool:
    """Whether *word* stands in *text* as a word: not inside a longer one, nor inside a hash."""
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text) is not None


def _texts(path: Path) -> Iterator[str]:
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        yield from file.schema_arrow.names
        yield file.metadata.created_by or ""
        for key, value in (file.metadata.metadata or {}).items():
            yield key.decode("utf-8", "replace")
            yield value.decode("utf-8", "replace")
        return
    if zipfile.is_zipfile(path):
        yield from _zipped(path)
        return
    if path.suffix.lower() == ".png":
        yield from _picture(path.read_bytes())
        return
    text = path.read_bytes().decode("utf-8", "ignore")
    yield "\n".join(_sentences(json.loads(text))) if path.name == WRITTEN else text


def _zipped(path: Path) -> Iterator[str]:
    """Names and texts of a Word or Excel file, one line a paragraph or cell: marks inside a word, and invisible breaks, divide nothing."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name
            if name.endswith(".png"):
                yield from _picture(archive.read(name))
            if name.endswith((".xml", ".rels")):
                lines = PARAGRAPH.sub("\n", archive.read(name).decode("utf-8", "ignore"))
                yield UNSEEN.sub("", re.sub(r"<[^>]*>", "", lines))


def _picture(content: bytes) -> Iterator[str]:
    """The texts in a PNG file (tEXt, zTXt, iTXt, eXIf), as they stand and inflated; its pixels are no text and would look like some."""
    at = len(PNG)
    while content.startswith(PNG) and at + 8 <= len(content):
        size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        chunk, at = content[at + 8 : at + 8 + size], at + 12 + size
        if kind in PNG_TEXTS:
            yield chunk.replace(b"\0", b"\n").decode("utf-8", "ignore")
            keyword, _, rest = chunk.partition(b"\0")
            yield from _inflated(rest[1:] if kind == b"zTXt" else rest[2:].split(b"\0", 2)[-1], keyword)


def _inflated(content: bytes, keyword: bytes) -> Iterator[str]:
    with suppress(zlib.error):
        text = zlib.decompressobj().decompress(content, LONGEST_TEXT)
        yield (keyword + b"\n" + text).decode("utf-8", "ignore")


def _sentences(value: object) -> Iterator[str]:
    """The texts in *value* that are no bare numbers."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _sentences(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _sentences(inner)
    elif isinstance(value, str) and not value.isdecimal():
        yield value


def _in_values(path: Path, file: str, words: frozenset[str], whole: set[str]) -> Iterator[Leak]:
    """Leaks in the texts of a Parquet file: values, and what stands beside them where no row needs it."""
    schema = pq.read_schema(path)
    columns = [
        field.name
        for field in schema
        if pa.types.is_string(_values(field.type)) or pa.types.is_large_string(_values(field.type))
    ]
    parquet = pq.ParquetFile(path)
    coded = pq.ParquetFile(path, read_dictionary=columns)
    known: dict[str, set[str]] = {column: set() for column in columns}
    for number in range(parquet.num_row_groups if columns else 0):
        for column in columns:
            part = _part(parquet, number, column)
            reader = coded if CODED.issuperset(part.encodings) else parquet
            found = reader.read_row_group(number, [column]).column(0)
            fresh = {*_stored(found), *_limits(part)} - known[column]
            known[column] |= fresh if len(known[column]) < REMEMBERED else set()
            people = about_people(column)
            for value in sorted(fresh):
                yield from _in_value(f"{file}: {column}", value, words, whole, people=people)


def _values(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _part(parquet: pq.ParquetFile, number: int, column: str) -> pq.ColumnChunkMetaData:
    """What the footer says of *column* in row group *number*."""
    group = parquet.metadata.row_group(number)
    return next(part for place in range(group.num_columns) if (part := group.column(place)).path_in_schema == column)


def _stored(column: pa.ChunkedArray) -> set[str]:
    """The texts of *column*; where it has a dictionary also those that no row shows any more."""
    words = (chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk.unique() for chunk in column.chunks)
    return {str(value) for each in words for value in each.to_pylist() if value is not None}


def _limits(part: pq.ColumnChunkMetaData) -> Iterator[str]:
    """Smallest and largest text of *part* as the footer tells them."""
    if part.is_stats_set and part.statistics.has_min_max:
        yield from (str(part.statistics.min), str(part.statistics.max))


def _in_value(where: str, value: str, words: frozenset[str], whole: set[str], *, people: bool) -> Iterator[Leak]:
    plain = _plain(value)
    if plain in whole:
        yield Leak(where, "name", masked(value))
    yield from (Leak(where, "name", masked(word)) for word in sorted(words) if word in plain and _stands(word, plain))
    yield from (Leak(where, each.kind, masked(each.text)) for each in personal_data(value, people=people))
