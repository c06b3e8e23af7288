"""Former states of a table: taken out of its metadata, and then exactly the files that only they name.

A file that no snapshot names may be one that others are about to commit. It is deleted when it is older than any run,
or when it holds an interaction that is being erased: the erasure's own commit has refused whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import pyarrow.compute as pc
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from tasks.lake.iceberg.commits import remove_snapshots
from tasks.lake.iceberg.data_files import column, holds
from tasks.lake.iceberg.warehouse import Warehouse
from tasks.values import epoch_milliseconds


def expire(table: Table, warehouse: Warehouse, before: datetime | None = None) -> int:
    """Delete every snapshot but the current one, or those made before a moment, with their files; return how many.

    Raises LakeConflict when others expire the same snapshots.
    """
    current = table.metadata.current_snapshot_id
    limit = None if before is None else epoch_milliseconds(before)
    expired = [
        snapshot
        for snapshot in table.metadata.snapshots
        if snapshot.snapshot_id != current and (limit is None or snapshot.timestamp_ms < limit)
    ]
    if not expired:
        return 0
    gone = {snapshot.snapshot_id for snapshot in expired}
    kept = [snapshot for snapshot in table.metadata.snapshots if snapshot.snapshot_id not in gone]
    only_theirs = named_files(table, expired) - named_files(table, kept)
    remove_snapshots(table, gone)
    warehouse.delete(table.location(), only_theirs | _former_metadata(table))
    return len(expired)


def delete_unnamed(
    table: Table, warehouse: Warehouse, written_before: datetime, ids: Collection[str] = ()
) -> int:
    """Delete files that no snapshot names: those written before a moment, and those that hold an interaction of these.

    Returns how many. The moment is earlier than the beginning of any run that can still commit.
    """
    named = named_files(table, table.metadata.snapshots) | _former_metadata(table) | {table.metadata_location}
    left = [file for file in warehouse.files(table.location()) if file.location not in named]
    doomed = {
        file.location
        for file in left
        if file.modified < written_before or (ids and _has_any(table, file.location, ids))
    }
    warehouse.delete(table.location(), doomed)
    return len(doomed)


def named_files(table: Table, snapshots: Iterable[Snapshot]) -> set[str]:
    """Return the location of every manifest list, manifest and data or delete file of some snapshots."""
    found: set[str] = set()
    for snapshot in snapshots:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path not in found:
                found.add(manifest.manifest_path)
                entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
                found.update(entry.data_file.file_path for entry in entries)
    return found


def _former_metadata(table: Table) -> set[str]:
    return {entry.metadata_file for entry in table.metadata.metadata_log}


def _has_any(table: Table, location: str, ids: Collection[str]) -> bool:
    """Return whether a data file holds one of the interactions; a file that is no Parquet file holds none."""
    if not location.endswith(".parquet"):
        return False
    try:
        return bool(pc.any(holds(column(table, location), ids)).as_py())
    except FileNotFoundError:  # its writer has deleted it
        return False
