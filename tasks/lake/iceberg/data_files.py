"""The data files of a table: those of some days, the interactions in them, their rows, and new ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.expressions import AlwaysFalse, AlwaysTrue, BooleanExpression, EqualTo, IsNull, Or
from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from tasks.lake.catalog import FILE_SIZE
from tasks.lake.iceberg.compat import new_data_files

ID = "interaction_id"


def files_of(table: Table, days: Collection[date | None] | None) -> list[FileScanTask]:
    """Return the files of some days, of the absent day (None) too; without days all files."""
    return list(table.scan(row_filter=AlwaysTrue() if days is None else day_filter(days)).plan_files())


def day_filter(days: Collection[date | None]) -> BooleanExpression:
    """Return the condition that a row is of one of these days."""
    chosen: BooleanExpression = AlwaysFalse()
    for day in sorted(days, key=str):
        chosen = Or(chosen, IsNull(term="day") if day is None else EqualTo(term="day", value=day.isoformat()))
    return chosen


def column(table: Table, location: str, name: str = ID) -> pa.ChunkedArray:
    """Return one column of a file, reading little else of it."""
    with table.io.new_input(location).open() as stream:
        return pq.read_table(stream, columns=[name])[name]


def holds(values: pa.ChunkedArray, ids: Collection[str]) -> pa.ChunkedArray:
    """Return of each value whether it is one of the ids."""
    return pc.is_in(values, value_set=pa.array(list(ids), values.type))


def rows_in(table: Table, file: FileScanTask) -> pa.Table:
    """Return a file's rows, with null in the columns that are younger than it."""
    return ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue()).to_table([file])


def small(table: Table, files: Collection[FileScanTask]) -> list[FileScanTask]:
    """Return the files whose rows take less than half of FILE_SIZE in memory, as the largest one is compressed."""
    largest = max(files, key=_size, default=None)
    if largest is None:
        return []
    unpacked = rows_in(table, largest).nbytes / _size(largest)
    return [file for file in files if _size(file) * unpacked < FILE_SIZE / 2]


def _size(file: FileScanTask) -> int:
    return file.file.file_size_in_bytes


def write(table: Table, rows: pa.Table) -> list[DataFile]:
    """Write rows into new files, sorted by interaction, each of one day; none for no rows."""
    if not len(rows):
        return []
    if ID in rows.column_names:
        rows = rows.sort_by(ID)
    return list(new_data_files(table, rows))


class FileWriter:
    """Collects rows and writes them when they are enough for a file: what is in memory is bounded."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._columns = schema_to_pyarrow(table.schema(), include_field_ids=False)
        self._rows: list[pa.Table] = []
        self._size = 0
        self.files: list[DataFile] = []

    def add(self, rows: pa.Table) -> None:
        """Take rows, of any days."""
        if len(rows):
            types = [self._columns.field(name) for name in rows.column_names]
            self._rows.append(rows.cast(pa.schema(types)))
            self._size += rows.nbytes
        if self._size >= FILE_SIZE:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        if self._rows:
            self.files += write(self._table, pa.concat_tables(self._rows, promote_options="permissive"))
        self._rows, self._size = [], 0


def without(
    table: Table, files: Iterable[FileScanTask], ids: Collection[str], writer: FileWriter
) -> Iterator[DataFile]:
    """Yield the files that hold one of the interactions, and give their other rows to the writer.

    A file that holds none is read in one column, and stays.
    """
    for file in files:
        found = holds(column(table, file.file.file_path), ids)
        if not pc.any(found).as_py():
            continue
        if not pc.all(found).as_py():
            rows = rows_in(table, file)
            writer.add(rows.filter(pc.invert(holds(rows[ID], ids))))
        yield file.file
