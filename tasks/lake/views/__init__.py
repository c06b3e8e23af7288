"""The questions that are asked first, each a SELECT over the analytics tables in a file of its own.

The files are written in what DuckDB and Trino (Athena's engine) have in common and take for the same: times at UTC
before they are cut to hours, intervals in hours (a day has 23 of them once a year), `filter` instead of `count_if`
(which is null in DuckDB where Trino has 0), casts to double before divisions. Where the two have no function in common,
a file calls Trino's, and `MACROS` gives DuckDB one of that name: `approx_percentile`, exact there and an estimate on
Athena. The threshold of the service level stands in its file as a number before a comment with the setting's name, so
that each file is a query as it stands. None has been run on Athena.
"""

from __future__ import annotations

import re
from importlib.resources import files

MACROS = ("create macro approx_percentile(value, share) as quantile_cont(value, share)",)
"""What DuckDB is told before any of the views."""
_THRESHOLD = re.compile(r"\d+(?= /\* SERVICE_LEVEL_SECONDS \*/)")


def views(service_level_seconds: int) -> dict[str, str]:
    """Return the SELECT of each view by its name, sorted, with the threshold of the service level in seconds."""
    found = sorted(each.name for each in files(__package__).iterdir() if each.name.endswith(".sql"))
    return {
        name.removesuffix(".sql"): _THRESHOLD.sub(str(service_level_seconds), _text(name)) for name in found
    }


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
