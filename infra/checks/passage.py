"""One synthetic event from the bus to the table."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from infra.checks.result import UnknownState, Wrong
from infra.parameters import split

if TYPE_CHECKING:
    from infra.checks.scene import Scene

POLL = 0.5
GENESYS_ONLY = "only Genesys can put events on a partner bus"


class Passage:
    """The same interaction every time, so that verifying again and again leaves one row."""

    def __init__(self, scene: Scene, wait: float) -> None:
        self.scene, self.wait = scene, wait
        self.interaction = str(uuid.uuid5(uuid.NAMESPACE_URL, f"synthetic/{scene.stack.name}"))

    def passes(self) -> str:
        """An event that is put on the bus has its row in the table in time."""
        sources = split(self.scene.values["EventSources"])
        source = next((name for name in sources if not name.startswith("aws.")), None)
        if source is None:
            raise UnknownState(GENESYS_ONLY, "end a conversation in Genesys Cloud and look for its row")
        self._forget()
        began = time.monotonic()
        self._send(source)
        patience = self.wait + int(self.scene.values["SettleSeconds"])
        while time.monotonic() - began < patience:
            if row := self._row():
                took = time.monotonic() - began
                return f"{'saved' if row.get('settled', {}).get('BOOL') else 'deferred'} after {took:.1f} s"
            time.sleep(POLL)
        raise Wrong(f"no row after {patience:.0f} s", "the first check above that fails is the place to look")

    def _send(self, source: str) -> None:
        values = self.scene.values
        detail_type = split(values["DetailTypes"])[0]
        body: dict[str, Any] = {"conversationId": self.interaction, "eventTime": int(time.time() * 1000)}
        if queues := split(values["QueueIds"]):
            body["queueId"] = queues[0]
        topic = detail_type.replace("{id}", self.interaction, 1)
        detail = (
            {"topicName": topic, "version": "2", "eventBody": body} if detail_type.startswith("v2.") else body
        )
        if detail_type == "Conversation Update":
            detail = {"interactionId": self.interaction, "type": "conversation-end"}
        answer = self.scene.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.scene.outputs["EventBusName"],
                    "Source": source,
                    "DetailType": detail_type,
                    "Detail": json.dumps(detail),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise Wrong(
                f"the bus refused it: {answer['Entries'][0].get('ErrorCode')}", "allow events:PutEvents"
            )

    def _row(self) -> dict[str, Any] | None:
        return self._table().get_item(ConsistentRead=True, **self._key()).get("Item")  # type: ignore[no-any-return]

    def _forget(self) -> None:
        self._table().delete_item(**self._key())

    def _table(self) -> Any:
        return self.scene.client("dynamodb")

    def _key(self) -> dict[str, Any]:
        table = self.scene.outputs["InteractionTableName"]
        return {"TableName": table, "Key": {"interactionId": {"S": self.interaction}}}
