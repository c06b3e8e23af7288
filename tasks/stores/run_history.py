"""The last runs that changed an interaction, in its item's list `runs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.stores.update_expression import UpdateExpression

if TYPE_CHECKING:
    from tasks.stores.dynamodb import ConditionalWrite, DynamoTable

MAX_RUNS = 20


def append_run(update: UpdateExpression, flow_run_id: str) -> None:
    """Append a run to the list in an update."""
    runs = update.name("runs")
    none, run = update.value("none", []), update.value("run", [flow_run_id])
    update.set_expression(f"{runs} = list_append(if_not_exists({runs}, {none}), {run})")


def trim_runs(table: DynamoTable, key: str, write: ConditionalWrite) -> None:
    """Remove the oldest runs until MAX_RUNS are left, after a write that appended one or was refused.

    After a refused write, too: a worker may have died, or lost an answer, between a write and this.
    """
    runs = len(write.typed_item.get("runs", {}).get("L", [])) + write.done
    for _ in range(runs - MAX_RUNS):
        update = UpdateExpression().remove_first("runs")
        too_long = f"size({update.name('runs')}) > {update.value('max', MAX_RUNS)}"
        if not table.update(key, update, too_long).done:
            return  # another worker did it, or the interaction was erased
