"""The tables of one Glue database: opened, created where there are none, given the columns that they lack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortField, SortOrder
from pyiceberg.transforms import IdentityTransform

from tasks.lake import schema
from tasks.lake.columns import iceberg_schema, iceberg_type, metrics_mode
from tasks.lake.errors import LakeConflict
from tasks.lake.iceberg.compat import LakeCatalog, check
from tasks.stores.errors import StoreMisconfigured, wrap_aws_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FILE_SIZE = 32 << 20
"""Bytes in memory of the rows from which a file is written; no file has more than twice as many."""

_FIRST_PARTITION_FIELD = 1000
_PROPERTIES = {
    "format-version": "2",
    # pyiceberg would repeat a refused commit on top of the other one: rows that were read before it would win over
    # newer ones. Refused is refused, and whoever wrote begins again by reading.
    "commit.retry.num-retries": "0",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    "write.target-file-size-bytes": str(2 * FILE_SIZE),
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
}


def glue_client(session: Any = boto3) -> Any:
    """Return a Glue client that sends each request once.

    A commit whose answer was lost and that is sent again is refused, and pyiceberg deletes the files of a commit that
    was refused: those of the one that stands.
    """
    config = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 1})
    return session.client("glue", config=config)


class Lake:
    """The tables of a Glue database, whose files are in a bucket below `tables/`; thread-safe.

    Making it raises AnalyticsNotInstalled for another pyiceberg than it was made for. Methods raise StoreUnavailable,
    and LakeConflict when others change a table's columns at the same time.
    """

    def __init__(self, glue: Any, s3: S3Client, bucket: str, database: str) -> None:
        check()
        self.bucket = bucket
        self.database = database
        self.s3 = s3
        self._catalog = LakeCatalog(glue, s3, bucket)

    def existing(self, name: str) -> Table | None:
        """Return a table as it is, for a reader; None when there is none yet."""
        with wrap_aws_errors(self._named(name)):
            try:
                return self._catalog.load_table((self.database, name))
            except NoSuchTableError:
                return None

    def open(self, declared: schema.Table) -> Table:
        """Return a table with at least the declared columns; it is created when there is none."""
        table = self.existing(declared.name) or self._create(declared)
        return _evolved(table, declared)

    def open_all(self, tables: Iterable[schema.Table]) -> dict[str, Table]:
        """Return tables by name."""
        return {declared.name: self.open(declared) for declared in tables}

    def _create(self, declared: schema.Table) -> Table:
        columns = iceberg_schema(declared)
        identifier = (self.database, declared.name)
        with wrap_aws_errors(self._named(declared.name)):
            try:
                return self._catalog.create_table(
                    identifier,
                    columns,
                    location=f"s3://{self.bucket}/tables/{declared.name}",
                    partition_spec=_partitions(declared, columns),
                    sort_order=_sort_order(declared, columns),
                    properties=_properties(declared),
                )
            except TableAlreadyExistsError:  # another process was faster
                return self._catalog.load_table(identifier)
            except NoSuchNamespaceError:
                raise StoreMisconfigured(
                    f"Glue has no database {self.database}: deploy infra/template.yaml, or correct ANALYTICS_DATABASE"
                ) from None

    def _named(self, name: str) -> str:
        return f"table {self.database}.{name}"


def _properties(declared: schema.Table) -> dict[str, str]:
    modes = {
        f"write.metadata.metrics.column.{column.name}": metrics_mode(column) for column in declared.columns
    }
    return _PROPERTIES | modes


def _partitions(declared: schema.Table, columns: Schema) -> PartitionSpec:
    if not declared.partitioned:
        return UNPARTITIONED_PARTITION_SPEC
    day = columns.find_field("day").field_id
    return PartitionSpec(PartitionField(day, _FIRST_PARTITION_FIELD, IdentityTransform(), "day"))


def _sort_order(declared: schema.Table, columns: Schema) -> SortOrder:
    if not declared.partitioned:
        return UNSORTED_SORT_ORDER
    return SortOrder(SortField(columns.find_field("interaction_id").field_id, IdentityTransform()))


def _evolved(table: Table, declared: schema.Table) -> Table:
    """Add the columns and properties that a table of a former release lacks; its rows have null in the columns."""
    present = {field.name for field in table.schema().fields}
    missing = [column for column in declared.columns if column.name not in present]
    properties = {name: value for name, value in _properties(declared).items() if name != "format-version"}
    changed = {name: value for name, value in properties.items() if table.properties.get(name) != value}
    if not missing and not changed:
        return table
    with wrap_aws_errors(f"table {declared.name}"):
        try:
            with table.transaction() as transaction:
                if changed:
                    transaction.set_properties(changed)
                if missing:
                    with transaction.update_schema() as update:
                        for column in missing:
                            update.add_column(column.name, iceberg_type(column))
        except CommitFailedException:
            raise LakeConflict(f"table {declared.name}: others change its columns") from None
    return table
