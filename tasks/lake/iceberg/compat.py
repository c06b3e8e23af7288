"""What the tables need of pyiceberg beyond its documentation: private names, in this module alone, checked before use.

A method that pyiceberg renames would not fail, it would never be called: files would be read with other credentials,
or a table's times would go back. A name is private where pyiceberg has no public way to the same.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.table import StagedTable, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties

from tasks.errors import AnalyticsNotInstalled
from tasks.lake.iceberg.file_io import BucketIO
from tasks.stores.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MADE_FOR = "0.12.0"

_OVERRIDDEN = {  # pyiceberg calls them with these parameters and no others
    "_load_file_io": "self properties location",
    "_update_and_stage_table": "self current_table table_identifier requirements updates",
    "_delete_old_metadata": "io base metadata",
    "_is_s3tables_database": "self database_name",
}
_WRITES_FILES = "_dataframe_to_data_files"
_log = logging.getLogger(__name__)


def check() -> None:
    """Raise AnalyticsNotInstalled, with the version to install, when the installed pyiceberg differs."""
    if found := differences():
        told = f"the tables were made for pyiceberg {MADE_FOR}, this is {version('pyiceberg')}: {'; '.join(found)}"
        raise AnalyticsNotInstalled(f"{told}. pip install '.[analytics]'")


def differences() -> list[str]:
    """Return what the installed pyiceberg lacks, or takes with other parameters, each as a clause."""
    found = [_difference(name, needed.split()) for name, needed in _OVERRIDDEN.items()]
    lacks = [] if hasattr(_arrow(), _WRITES_FILES) else [f"{_WRITES_FILES} is missing"]
    return [each for each in found if each] + lacks


def new_data_files(table: Table, rows: pa.Table) -> Iterable[DataFile]:
    """Write rows into files of a table, each of one partition; they are not in the table until they are committed."""
    files: Iterable[DataFile] = getattr(_arrow(), _WRITES_FILES)(table.metadata, rows, table.io)
    return files


def _arrow() -> Any:
    from pyiceberg.io import pyarrow  # noqa: PLC0415 - looked at whenever it is asked for: a test replaces it

    return pyarrow


def _difference(name: str, needed: list[str]) -> str | None:
    found = getattr(GlueCatalog, name, None)
    if found is None:
        return f"GlueCatalog.{name} is missing"
    given = list(inspect.signature(found).parameters)
    return (
        None
        if given == needed
        else f"GlueCatalog.{name} takes ({', '.join(given)}), not ({', '.join(needed)})"
    )


class LakeCatalog(GlueCatalog):
    """pyiceberg's Glue catalogue with files by our own S3 client."""

    def __init__(self, glue: Any, s3: S3Client, bucket: str) -> None:
        super().__init__("glue", client=glue)
        self._io = BucketIO(s3, bucket)

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        del properties, location
        return self._io

    def _update_and_stage_table(
        self,
        current_table: Table | None,
        table_identifier: Identifier,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> StagedTable:
        """Let no time be before that of the last commit, whose worker's clock may be ahead of this one's.

        Iceberg's other readers, Athena's too, refuse a table whose times go back by more than a minute.
        """
        earliest = current_table.metadata.last_updated_ms if current_table else 0
        updates = tuple(_not_before(update, earliest) for update in updates)
        staged = super()._update_and_stage_table(current_table, table_identifier, requirements, updates)
        if staged.metadata.last_updated_ms < earliest:
            staged.metadata = staged.metadata.model_copy(update={"last_updated_ms": earliest})
        return staged

    @staticmethod
    def _delete_old_metadata(io: FileIO, base: TableMetadata, metadata: TableMetadata) -> None:
        """Delete what the log of metadata no longer names; what stays is deleted with the next expiry of snapshots."""
        try:
            GlueCatalog._delete_old_metadata(io, base, metadata)  # noqa: SLF001 - overridden, not replaced
        except StoreUnavailable:  # the commit stands
            _log.warning("a former metadata file was not deleted")

    def _is_s3tables_database(self, database_name: str) -> bool:
        """Ours is none: saves a request and a permission for each commit."""
        del database_name
        return False


def _not_before(update: TableUpdate, earliest: int) -> TableUpdate:
    if not isinstance(update, AddSnapshotUpdate) or update.snapshot.timestamp_ms >= earliest:
        return update
    snapshot = update.snapshot.model_copy(update={"timestamp_ms": earliest})
    return update.model_copy(update={"snapshot": snapshot})
