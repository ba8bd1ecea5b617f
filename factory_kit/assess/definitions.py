"""Models and indicators frozen in assessments, each read once per content: a district rescores thousands that share them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from factory_kit.errors import DefinitionError, Problem
from factory_kit.load.files import Files
from factory_kit.load.indicator import indicator_folder
from factory_kit.load.ladder import ladder
from factory_kit.load.maturity import maturity_model
from factory_kit.model.indicator import Indicator
from factory_kit.model.ladder import Ladder
from factory_kit.model.maturity import MaturityModel

__all__ = ["forget", "indicators_in", "ladder_in", "model_in"]

Read = TypeVar("Read")


class _Shelf(Generic[Read]):
    """What was made of which bytes; the one not asked for longest is dropped where there are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[str, Read] = OrderedDict()

    def get(self, files: Files, names: Sequence[str], make: Callable[[], Read]) -> Read:
        """What *make* gives for the content of *names* of *files*; mistakes are not kept."""
        key = _key(files, names)
        if key not in self._made:
            self._made[key] = make()
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    def clear(self) -> None:
        """Forget all."""
        self._made.clear()


_models: _Shelf[MaturityModel] = _Shelf(16)
_indicators: _Shelf[Indicator] = _Shelf(512)
_ladders: _Shelf[Ladder] = _Shelf(64)


def model_in(files: Files, shown: str) -> MaturityModel:
    """The model edition in *files*; ``DefinitionError`` with all its mistakes."""
    names = [name for name in files.names() if name.endswith(".yaml")]
    return _models.get(files, names, lambda: maturity_model(files, shown))


def indicators_in(files: Files) -> dict[str, Indicator]:
    """The indicators in *files*, a folder each, by id; ``DefinitionError`` with the mistakes of all of them."""
    found: dict[str, Indicator] = {}
    problems: list[Problem] = []
    for name in files.names():
        inside = files.below(name)
        present = [file for file in ("indicator.yaml", "query.sql") if inside.has(file)]
        if not present and not inside.names():
            continue  # a file, not a folder
        try:
            indicator = _indicators.get(inside, present, _reader(inside, f"{files.parts[-1]}/{name}"))
        except DefinitionError as error:
            problems += error.problems
            continue
        found[indicator.id] = indicator
    if problems:
        raise DefinitionError(problems)
    return found


def ladder_in(files: Files, shown: str) -> Ladder:
    """The ladder in *files*; ``DefinitionError`` with all its mistakes."""
    return _ladders.get(files, ["ladder.yaml"], lambda: ladder(files, shown))


def forget() -> None:
    """Drop everything that was read, as a fresh process would begin."""
    _models.clear()
    _indicators.clear()
    _ladders.clear()


def _reader(files: Files, shown: str) -> Callable[[], Indicator]:
    return lambda: indicator_folder(files, shown)


def _key(files: Files, names: Sequence[str]) -> str:
    """The place, the names, and the hashes of the contents."""
    return "/".join((*files.parts[-2:], *(f"{name}:{files.sha256(name)}" for name in names)))
