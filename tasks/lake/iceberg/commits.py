"""One commit of a table: files out, files in; refused when others have committed since the table was loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ValidationException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from tasks.lake.errors import LakeConflict
from tasks.stores.errors import wrap_aws_errors


@contextmanager
def changing(table: Table) -> Iterator[None]:
    """Raise LakeConflict where others were faster, and StoreUnavailable for a commit of unknown outcome.

    Others were faster when a commit is refused, or when a file of the loaded state is gone: they have erased.
    """
    name = ".".join(table.name())
    with wrap_aws_errors(f"table {name}"):
        try:
            yield
        except (CommitFailedException, ValidationException, NoSuchTableError, FileNotFoundError):
            raise LakeConflict(f"table {name}: others have committed since it was loaded") from None


def commit(table: Table, removed: Iterable[DataFile], added: Iterable[DataFile]) -> None:
    """Replace files by others in one snapshot. Without any it is a snapshot all the same: it refuses others' commits.

    The table is the new state afterwards. Raises LakeConflict and StoreUnavailable.
    """
    out, into = list(removed), list(added)
    with changing(table), table.transaction() as transaction:
        kinds = transaction.update_snapshot()
        producer = kinds.overwrite() if out else kinds.merge_append() if into else kinds.fast_append()
        with producer:
            for file in out:
                producer.delete_data_file(file)
            for file in into:
                producer.append_data_file(file)


def remove_snapshots(table: Table, snapshot_ids: Collection[int]) -> None:
    """Take snapshots out of the metadata; their files stay. Raises LakeConflict when others were faster."""
    with changing(table):
        try:
            table.maintenance.expire_snapshots().by_ids(list(snapshot_ids)).commit()
        except ValueError:  # one is no longer there
            raise LakeConflict(f"table {'.'.join(table.name())}: others expire its snapshots") from None
