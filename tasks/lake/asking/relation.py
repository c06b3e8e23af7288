"""An Iceberg table as DuckDB reads it: batches of rows in a stream, begun anew for each scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyiceberg.table import Table

from tasks.lake.asking.plan import Need
from tasks.stores.errors import StoreUnavailable


class Relation:
    """Rows with the columns of `schema`; those that are not needed are null. `failure`: what ended the reading.

    `open_table` returns the table, None when there is none yet: then there are no rows. Without a need nothing is read.
    """

    def __init__(self, schema: pa.Schema, need: Need | None, open_table: Callable[[], Table | None]) -> None:
        self.schema = schema
        self.failure: Exception | None = None
        self._need = need
        self._open = open_table

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """Return a stream of Arrow's C interface; a scan calls this once or more and reads one of the streams."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches()).__arrow_c_stream__(
            requested_schema
        )

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._read():
                yield pa.RecordBatch.from_arrays(
                    [_column(batch, field) for field in self.schema], schema=self.schema
                )
        except Exception as error:
            self.failure = error  # DuckDB would keep only its text
            raise

    def _read(self) -> Iterator[pa.RecordBatch]:
        table = self._open() if self._need else None
        if table is None or self._need is None:
            return
        present = [
            name for name in self.schema.names if name in {each.name for each in table.schema().fields}
        ]
        # A count needs no column, but a row has to have one.
        selected = [name for name in present if name in self._need.columns] or present[:1]
        scan = table.scan(row_filter=self._need.days, selected_fields=tuple(selected))
        try:
            yield from scan.to_arrow_batch_reader()
        except FileNotFoundError:
            name = ".".join(table.name())
            raise StoreUnavailable(
                f"table {name}: rows were erased while they were read, ask again"
            ) from None


def _column(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    if field.name in batch.schema.names:
        return batch.column(field.name).cast(field.type)
    return pa.nulls(batch.num_rows, field.type)
