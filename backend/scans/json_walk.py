"""Walking through a JSON document of any size: only what a reader asks for is ever built, and everything is bounded.

ijson tells the tokens; its own helpers that build objects know no bounds and write out the path of every token, which
a deeply nested document makes quadratic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import ijson

from backend.scans.errors import UnreadableScanError

DEEPEST = 64
MOST_VALUES = 50_000
LONGEST_TEXT = 50_000
BUFFER = 65_536
_STARTS = frozenset(("start_map", "start_array"))
_ENDS = frozenset(("end_map", "end_array"))

Path = tuple[str, ...]
Event = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A value that was asked for.

    Args:
        kind: the name of the path it is at.
        value: the value whole.
        places: the indexes of the lists it lies in, outermost first.
        around: the plain members, told so far, of the objects it lies in, outermost first.
    """

    kind: str
    value: Any
    places: tuple[int, ...]
    around: tuple[Mapping[str, Any], ...]


class _Level:
    """An object or list on the way to what was asked for."""

    __slots__ = ("at", "is_map", "plain")

    def __init__(self, is_map: bool) -> None:
        self.is_map = is_map
        self.at: str | int = "" if is_map else -1
        self.plain: dict[str, Any] = {}

    def step(self) -> str:
        return str(self.at) if self.is_map else "*"


def tokens(file: BinaryIO, *, several: bool = False) -> Iterator[Event]:
    """Yield ijson's events.

    Args:
        several: one value may follow another.

    Raises:
        UnreadableScanError: it is not JSON.
    """
    try:
        yield from ijson.basic_parse(file, use_float=True, buf_size=BUFFER, multiple_values=several)
    except (ijson.JSONError, ValueError, OverflowError, SystemError) as error:
        raise UnreadableScanError(f"not valid JSON: {_told(error)}") from None


def _told(error: BaseException) -> str:
    text = error.args[0] if error.args else ""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return str(text).strip().splitlines()[0][:150] if str(text).strip() else "it cannot be read"


def walk(events: Iterator[Event], wanted: Mapping[str, Path]) -> Iterator[Found]:
    """Yield the values at the paths that are wanted, in the order of the document.

    Args:
        wanted: kind -> path, whose steps are names of members and `*` for each element of a list.

    Raises:
        UnreadableScanError: it is not JSON, too deep, or one value is too large.
    """
    by_path = {path: kind for kind, path in wanted.items()}
    ways = {path[:length] for path in by_path for length in range(len(path))}
    levels: list[_Level] = []
    for event, value in events:
        if event == "map_key":
            levels[-1].at = value
            continue
        if event in _ENDS:
            levels.pop()
            continue
        if levels and not levels[-1].is_map:
            levels[-1].at = int(levels[-1].at) + 1
        path = tuple(level.step() for level in levels)
        kind = by_path.get(path)
        if kind is not None:
            built = _Builder().build(event, value, events)
            yield Found(kind, built, _places(levels), tuple(level.plain for level in levels if level.is_map))
        elif event in _STARTS:
            if path in ways:
                levels.append(_Level(event == "start_map"))
            else:
                _skip(events, len(levels))
        elif levels and levels[-1].is_map and len(levels[-1].plain) < 100:
            levels[-1].plain[str(levels[-1].at)] = value if not isinstance(value, str) else value[:2000]


def _places(levels: list[_Level]) -> tuple[int, ...]:
    return tuple(int(level.at) for level in levels if not level.is_map)


def _skip(events: Iterator[Event], above: int) -> None:
    depth = 1
    for event, _ in events:
        if event in _STARTS:
            depth += 1
            if depth + above > DEEPEST:
                raise _too_deep()
        elif event in _ENDS:
            depth -= 1
            if not depth:
                return


class _Builder:
    """Builds one value, up to a number of parts."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def build(self, event: str, value: Any, events: Iterator[Event], depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0:
            raise UnreadableScanError(f"one record has more than {MOST_VALUES:,} values")
        if depth > DEEPEST:
            raise _too_deep()
        if event == "start_map":
            return self._map(events, depth)
        if event == "start_array":
            return self._list(events, depth)
        return value[:LONGEST_TEXT] if isinstance(value, str) else value

    def _map(self, events: Iterator[Event], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        name = ""
        for event, value in events:
            if event == "end_map":
                break
            if event == "map_key":
                name = value
            else:
                made[name] = self.build(event, value, events, depth + 1)
        return made

    def _list(self, events: Iterator[Event], depth: int) -> list[Any]:
        made: list[Any] = []
        for event, value in events:
            if event == "end_array":
                break
            made.append(self.build(event, value, events, depth + 1))
        return made


def _too_deep() -> UnreadableScanError:
    return UnreadableScanError(f"nested deeper than {DEEPEST} levels")
