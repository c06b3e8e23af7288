"""read-directory, refresh-names: what the directory knows, and what Genesys says of it now."""

from __future__ import annotations

from prefect import get_run_logger

from tasks.genesys import NameKind
from tasks.operations.directory_refresh import RefreshCounts, refresh
from tasks.options import pipeline_task
from tasks.pipeline.directory import Directory
from tasks.services import get_services, in_thread
from tasks.stores import DirectoryEntry


@pipeline_task(name="read-directory", retries=3, first_delay=5)
async def read_directory(directory: Directory) -> dict[NameKind, list[DirectoryEntry]]:
    """Return what the table knows, by kind. Raises StoreUnavailable (retried by the task)."""
    entries = await in_thread(get_services().store_pool, directory.entries)
    return {kind: [entry for entry in entries if entry.key.kind == kind] for kind in NameKind}


@pipeline_task(name="refresh-names", retries=3, first_delay=5)
async def refresh_names(directory: Directory, kind: NameKind, entries: list[DirectoryEntry]) -> RefreshCounts:
    """Ask Genesys for the names of up to a hundred ids of a kind, and keep them.

    Raises TransientError (retried by the task) when Genesys or the table cannot be reached.
    """
    counts = await in_thread(get_services().fetch_pool, lambda: refresh(directory, kind, entries))
    get_run_logger().info("%s: %s", kind.label, counts)
    return counts
