"""The same JSON in another order: Genesys promises none."""

from __future__ import annotations

import random
from typing import Any


def shuffled(value: Any, dice: random.Random) -> Any:
    """Return the same JSON with every list and the keys of every object in another order."""
    if isinstance(value, list):
        return dice.sample([shuffled(item, dice) for item in value], len(value))
    if isinstance(value, dict):
        return {key: shuffled(value[key], dice) for key in dice.sample(sorted(value), len(value))}
    return value
