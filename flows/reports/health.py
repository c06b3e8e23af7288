"""The artifact `health`: completeness and lag at a glance, and the hours in which something was not as it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import acreate_markdown_artifact

from tasks.operations.health import HOURS, Health, HealthLook, Lag, Objectives, looks_at_present
from tasks.operations.health_table import HealthTable
from tasks.operations.intervals import Interval
from tasks.services import get_services, in_thread
from tasks.settings import Settings
from tasks.stores import StoreUnavailable

_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = {
    "listed": "listed by Genesys",
    "present": "present before",
    "missing": "missing, stored now",
    "newer": "newer",
    "failed": "not stored",
    "late": "of these late",
    "removed": "no longer returned",
}


async def publish_health(interval: Interval, look: HealthLook) -> None:
    """Add what a reconcile has seen to the figures, and make the artifact of them; nothing for a back-fill.

    Figures that cannot be stored stop no reconcile: the log says so, and the alarm sees that they grow old.
    """
    now, services = datetime.now(UTC), get_services()
    if not looks_at_present(interval, now):
        return
    try:
        health = await in_thread(
            services.store_pool, lambda: add_look(services.health, look, _objectives(services.settings), now)
        )
    except StoreUnavailable as error:
        get_run_logger().warning("the figures of completeness and lag are not stored: %s", error)
        return
    await acreate_markdown_artifact(markdown(health), key="health", description=summary(health))


def add_look(table: HealthTable | None, look: HealthLook, objectives: Objectives, now: datetime) -> Health:
    """Return the figures with this look in them, stored where there is a table for them. Raises StoreUnavailable."""

    def change(figures: dict[str, Any] | None) -> dict[str, Any]:
        return Health.of(look, objectives, _readable(figures), now).plain()

    def attributes(figures: dict[str, Any]) -> dict[str, Any]:
        missed = not Health.from_plain(figures).is_complete
        return {"lookedAt": round(now.timestamp()), "incomplete": int(missed)}

    return Health.from_plain(table.update(change, attributes) if table else change(None))


def _objectives(config: Settings) -> Objectives:
    return Objectives(
        config.objective_completeness, config.objective_completeness_within, config.objective_end_to_row
    )


def _readable(figures: dict[str, Any] | None) -> Health | None:
    """Return the figures that stand; those of another release, or of somebody's hand, are begun anew."""
    try:
        return Health.from_plain(figures) if figures else None
    except (KeyError, TypeError, ValueError):
        return None


def summary(health: Health) -> str:
    """Return `99.95 % complete; 95 of 100 rows within 84 s of the end`."""
    complete = (
        "nothing was due" if health.completeness is None else f"{percent(health.completeness)} complete"
    )
    lag = health.end_to_row
    return f"{complete}; 95 of 100 rows within {lag.p95:,.0f} s of the end" if lag else complete


def percent(share: float) -> str:
    """Return a share with two places, rounded down: 99.996 is not 100."""
    return f"{int(share * 100) / 100:.2f} %"


def markdown(health: Health) -> str:
    """Return the artifact."""
    goals = health.objectives
    complete = "met" if health.is_complete else "**missed**"
    quick = "met" if health.is_quick else "**missed**"
    lines = [
        f"# {summary(health)}",
        "",
        "| objective | |",
        "| --- | --- |",
        f"| {goals.completeness:g} % have a row {goals.within / 3600:g} h after their end | {complete} |",
        f"| 95 of 100 rows within {goals.end_to_row:g} s of the end | {quick} |",
        "",
        f"| the last {HOURS} hours | | most in an hour |",
        "| --- | --- | --- |",
        *(_spark_row(health, name) for name in ("listed", "missing", "late")),
        "",
        *_table("media type", _of_media(health)),
        "",
        "| lag in seconds | from | p50 | p95 | most |",
        "| --- | --- | --- | --- | --- |",
        *_lags(health),
    ]
    if hours := list(_of_hours(health)):
        lines += ["", "Hours (UTC, of the end) that were not as they should be:", "", *_table("hour", hours)]
    return "\n".join(lines)


def sparkline(values: list[int]) -> str:
    """Return a bar for each value; what is more than nothing shows."""
    most = max(values, default=0)
    return "".join(_BARS[-(-each * (len(_BARS) - 1) // most) if most else 0] for each in values)


def _spark_row(health: Health, name: str) -> str:
    series = health.series(name)
    return f"| {_SHOWN[name]} | `{sparkline(series)}` | {max(series)} |"


def _of_media(health: Health) -> Iterator[tuple[str, Counter[str]]]:
    yield from health.by_media().items()


def _of_hours(health: Health) -> Iterator[tuple[str, Counter[str]]]:
    for hour, by_media in sorted(health.hours.items(), reverse=True):
        for media, count in sorted(by_media.items()):
            if any(count[name] for name in ("missing", "newer", "failed", "late", "removed")):
                yield f"{hour[:10]} {hour[11:16]} {media}", count


def _table(head: str, rows: Iterable[tuple[str, Counter[str]]]) -> Iterator[str]:
    yield f"| {head} | {' | '.join(_SHOWN.values())} |"
    yield "| --- " * (len(_SHOWN) + 1) + "|"
    for title, count in rows:
        yield f"| {title} | {' | '.join(str(count[name]) for name in _SHOWN)} |"


def _lags(health: Health) -> Iterator[str]:
    names = {"busToRow": "the event", "endToRow": "the conversation's end"}
    for media, by_name in health.lags.items():
        for name, lag in by_name.items():
            yield f"| {media} | {names[name]} | {_seconds(lag)} |"


def _seconds(lag: Lag) -> str:
    return " | ".join(f"{each:,.1f}" for each in lag)
