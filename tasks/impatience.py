"""Requests to Prefect that had better fail soon than be tried for a minute, as its client does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from prefect.context import SettingsContext, get_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, Settings


@contextmanager
def retrying(times: int) -> Iterator[None]:
    """Within, Prefect's clients try a failed request so many times again, and not five times."""
    with SettingsContext(profile=get_settings_context().profile, settings=_settings(times)):
        yield


@lru_cache
def _settings(times: int) -> Settings:
    # Kept, for a copy of all settings takes 35 ms, and a worker polls several times a second.
    return get_settings_context().settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: times})
