"""Plain dataclasses out of JSON: the one strict door for every file that somebody else may have written or damaged.

A file on disk is input. Types, ranges and depth are checked here, where a value is built, so that whoever holds a
dataclass need not ask again; what does not fit is a ValueError that names the field.
"""

import contextlib
import dataclasses
import json
import math
import re
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

from tl_core.base.errors import UserError
from tl_core.base.messages import Message


@dataclass(frozen=True)
class Within:
    """The range of a number, bounds included."""

    low: float
    high: float
    nan: bool = False  # whether "not a number" is one too


Count = Annotated[int, Within(0, 2**53)]
Seconds = Annotated[float, Within(0, 1e11)]
Moment = Annotated[float, Within(0, 1e11)]  # seconds since 1970, up to the year 5138: calendars end soon after
Share = Annotated[float, Within(0, 1)]
Diverging = Annotated[float, Within(-math.inf, math.inf, nan=True)]  # a loss that training has driven out of bounds

_Record = TypeVar("_Record")
_LONE = re.compile(rb"\\u[dD][89a-fA-F]")  # half a character, which no page can be given


def loads(text: str | bytes) -> Any:
    """What a JSON text holds; half characters become "?".

    Raises:
        ValueError: it is no JSON, not UTF-8, or nested too deeply.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        found = json.loads(data.decode("utf-8"))
        if _LONE.search(data):
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return found


def load(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no JSON object.
    """
    found = loads(path.read_bytes())
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found


def build(cls: type[_Record], data: Any, *, strict: bool = False) -> _Record:
    """A dataclass out of a JSON object, nested ones included.

    Args:
        cls: its fields may be numbers (`Annotated` with a `Within`), texts, bytes, booleans, `Literal`s, tuples,
            mappings, `None`, a `Message`, a `UserError`, `Any`, or further dataclasses.
        data: the object; fields that are missing take their defaults.
        strict: refuse fields that `cls` does not have, instead of passing over those of a later version.

    Raises:
        ValueError: a field is missing, unknown or of another type or range; it is named.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{_shown(data)} is no object")
    plain: type = cls
    fields = _fields(plain)
    if strict and (unknown := [name for name in data if name not in fields]):
        raise ValueError(f"{_shown(unknown[0])} is unknown")
    values = {}
    for name, (read, needed) in fields.items():
        if name in data:
            try:
                values[name] = read(data[name], strict)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        elif needed:
            raise ValueError(f"{name} is missing")
    return cls(**values)


def value(kind: Any, data: Any) -> Any:
    """One value of the given type, as for a field of `build`.

    Raises:
        ValueError: it is of another type or out of range.
    """
    return _reader(kind)(data, False)


_Reader = Callable[[Any, bool], Any]  # a JSON value, and whether unknown fields in it are refused


@lru_cache(maxsize=256)
def _fields(cls: type) -> dict[str, tuple[_Reader, bool]]:
    """How each field of a dataclass is read, and whether it must be there."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        item.name: (
            _reader(hints[item.name]),
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING,
        )
        for item in dataclasses.fields(cls)
        if item.init
    }


@lru_cache(maxsize=1024)
def _reader(kind: Any) -> _Reader:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return lambda data, strict: data
    if origin is Annotated:
        return _number(arguments[0], arguments[1])
    if kind in (int, float):
        return _number(kind, Within(-1e300, 1e300))
    if kind in (str, bool, bytes, types.NoneType):
        return _plain(kind)
    if origin is Literal:
        return _one_of(arguments)
    if origin in (Union, types.UnionType):
        ordered = sorted(arguments, key=lambda argument: argument is not types.NoneType)  # the last says what is wrong
        return _either([_reader(argument) for argument in ordered])
    if origin is tuple:
        return _tuple(arguments)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_reader(arguments[1]))
    if kind in (Message, UserError):
        return lambda data, strict: kind.from_json(data)
    return lambda data, strict: build(kind, data, strict=strict)


def _number(kind: type, within: Within) -> _Reader:
    def read(data: Any, strict: bool) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            raise ValueError(f"{_shown(data)} is no number")
        if data != data:
            if not within.nan:
                raise ValueError("it is not a number")
        elif not within.low <= data <= within.high or (kind is int and data != int(data)):
            raise ValueError(f"{_shown(data)} is out of range")
        return int(data) if kind is int else data

    return read


def _plain(kind: type) -> _Reader:
    def read(data: Any, strict: bool) -> Any:
        if type(data) is not kind:
            raise ValueError(f"{_shown(data)} is no {kind.__name__}")
        return data

    return read


def _one_of(allowed: tuple[Any, ...]) -> _Reader:
    def read(data: Any, strict: bool) -> Any:
        if type(data) not in (str, int) or data not in allowed:
            raise ValueError(f"{_shown(data)} is none of {', '.join(map(str, allowed))}")
        return data

    return read


def _either(readers: list[_Reader]) -> _Reader:
    def read(data: Any, strict: bool) -> Any:
        for reader in readers[:-1]:
            with contextlib.suppress(ValueError):
                return reader(data, strict)
        return readers[-1](data, strict)

    return read


def _tuple(arguments: tuple[Any, ...]) -> _Reader:
    readers = [_reader(argument) for argument in arguments if argument is not Ellipsis]
    endless = Ellipsis in arguments

    def read(data: Any, strict: bool) -> tuple[Any, ...]:
        if not isinstance(data, (list, tuple)):
            raise ValueError(f"{_shown(data)} is no list")
        if endless:
            return tuple([readers[0](item, strict) for item in data])
        if len(data) != len(readers):
            raise ValueError(f"{len(data)} entries instead of {len(readers)}")
        return tuple([reader(item, strict) for reader, item in zip(readers, data, strict=True)])

    return read


def _mapping(reader: _Reader) -> _Reader:
    def read(data: Any, strict: bool) -> dict[str, Any]:
        if not isinstance(data, Mapping) or not all(isinstance(name, str) for name in data):
            raise ValueError(f"{_shown(data)} is no object")
        return {name: reader(item, strict) for name, item in data.items()}

    return read


def _shown(data: Any) -> str:
    return reprlib.repr(data)
