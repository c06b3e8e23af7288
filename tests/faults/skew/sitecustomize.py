"""With this folder on PYTHONPATH, a process's wall clock is SKEW_SECONDS ahead (behind, if less than 0).

Python imports this at start, before any other module can keep a reference to the right clock. time.monotonic is
unchanged.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Any, Self

_SECONDS = float(os.environ.get("SKEW_SECONDS", "0"))
_right_time, _right_time_ns = time.time, time.time_ns
_Right = dt.datetime


class _AnyDatetime(type):
    """Every datetime counts as an instance of the skewed class: C code creates the original's."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Right)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, _Right)


class _Skewed(_Right, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.now(dt.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Self:
        return cls.now()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _Right.__reduce_ex__(self, protocol)


def _skew() -> None:
    time.time = lambda: _right_time() + _SECONDS
    time.time_ns = lambda: _right_time_ns() + int(_SECONDS * 1e9)
    _Skewed.__name__ = _Skewed.__qualname__ = "datetime"
    dt.datetime = _Skewed  # type: ignore[misc]


if _SECONDS:
    _skew()
