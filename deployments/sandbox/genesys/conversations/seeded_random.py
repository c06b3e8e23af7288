"""SeededRandom: pseudo-random numbers and ids, the same sequence for the same key on every machine."""

from __future__ import annotations

from hashlib import shake_128
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

BLOCK_BYTES = 768  # enough for most conversations, so that one needs a single hash call
UUID_DIGITS = 32
NUMBER_DIGITS = 6


class SeededRandom:
    """A deterministic generator; two with the same key return the same values in the same order."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._block = 0
        self._digits = shake_128(key.encode()).hexdigest(BLOCK_BYTES)
        self._at = 0

    def _take(self, count: int) -> str:
        start = self._at
        if start + count > len(self._digits):
            self._block += 1
            self._digits = shake_128(f"{self._key}/{self._block}".encode()).hexdigest(BLOCK_BYTES)
            start = 0
        self._at = start + count
        return self._digits[start : self._at]

    def below(self, limit: int) -> int:
        """Return a number from 0 to limit - 1."""
        return int(self._take(NUMBER_DIGITS), 16) % limit

    def between(self, low: int, high: int) -> int:
        """Return a number from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """Return True with a probability of `percent` in a hundred."""
        return self.below(100) < percent

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.below(len(options))]

    def uuid(self) -> str:
        """Return a version 4 UUID."""
        digits = self._take(UUID_DIGITS)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
