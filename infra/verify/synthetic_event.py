"""Sends one synthetic event to the bus and waits for its row in the table."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from infra.stack.parameters import split
from infra.verify.check import CheckFailed, CheckUnknown

if TYPE_CHECKING:
    from infra.verify.context import CheckContext

POLL_SECONDS = 0.5
GENESYS_ONLY = "only Genesys can put events on a partner bus"


class SyntheticEvent:
    """An event about one interaction per stack, always the same: verifying again leaves no second row."""

    def __init__(self, context: CheckContext, wait: float) -> None:
        self.context, self.wait = context, wait
        self.interaction_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"synthetic/{context.stack.name}"))

    def arrives(self) -> str:
        """An event that is put on the bus becomes a row of the table within `wait` and the settle delay."""
        sources = split(self.context.values["EventSources"])
        source = next((name for name in sources if not name.startswith("aws.")), None)
        if source is None:
            raise CheckUnknown(GENESYS_ONLY, "end a conversation in Genesys Cloud and look for its row")
        self._delete_row()
        began = time.monotonic()
        self._send(source)
        limit = self.wait + int(self.context.values["SettleSeconds"])
        while (took := time.monotonic() - began) < limit:
            if row := self._row():
                return f"{'saved' if row.get('settled', {}).get('BOOL') else 'deferred'} after {took:.1f} s"
            time.sleep(POLL_SECONDS)
        raise CheckFailed(
            f"no row after {limit:.0f} s", "read the bridge's log, then look for the run in the Prefect UI"
        )

    def _send(self, source: str) -> None:
        detail_type = split(self.context.values["DetailTypes"])[0]
        answer = self.context.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.context.outputs["EventBusName"],
                    "Source": source,
                    "DetailType": detail_type,
                    "Detail": json.dumps(self._detail(detail_type)),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise CheckFailed(
                f"the bus refused it: {answer['Entries'][0].get('ErrorCode')}", "allow events:PutEvents"
            )

    def _detail(self, detail_type: str) -> dict[str, Any]:
        """Return the event's detail in the shape of its detail-type."""
        if detail_type == "Conversation Update":
            return {"interactionId": self.interaction_id, "type": "conversation-end"}
        body: dict[str, Any] = {
            "conversationId": self.interaction_id,
            "eventTime": int(time.time() * 1000),
        }
        if queues := split(self.context.values["QueueIds"]):
            body["queueId"] = queues[0]
        if not detail_type.startswith("v2."):
            return body
        topic = detail_type.replace("{id}", self.interaction_id, 1)
        return {"topicName": topic, "version": "2", "eventBody": body}

    def _row(self) -> dict[str, Any] | None:
        item: dict[str, Any] | None = (
            self.context.client("dynamodb").get_item(ConsistentRead=True, **self._key()).get("Item")
        )
        return item

    def _delete_row(self) -> None:
        self.context.client("dynamodb").delete_item(**self._key())

    def _key(self) -> dict[str, Any]:
        table = self.context.outputs["InteractionTableName"]
        return {"TableName": table, "Key": {"interactionId": {"S": self.interaction_id}}}
