"""A process that dies after its k-th write to AWS, or one that does not get the answer to it and goes on."""

from __future__ import annotations

import threading
from typing import Any

from botocore.exceptions import ReadTimeoutError

_WRITES = frozenset(
    {"PutObject", "DeleteObject", "DeleteObjects", "CreateTable", "UpdateTable", "PutItem", "UpdateItem"}
)


class Killed(BaseException):
    """The end of a process; like a signal it is no Exception, and nothing is tidied up."""


class KillSwitch:
    """Counts the writes of some boto3 clients; what is done last before an end, or a lost answer, is done."""

    def __init__(self, *clients: Any) -> None:
        self._lock = threading.Lock()
        self._left: float = float("inf")
        self._kills = True
        self.writes = 0
        for client in clients:
            client.meta.events.register("before-call", self._before)
            client.meta.events.register("after-call", self._after)

    def arm(self, writes: float = float("inf"), *, kills: bool = True) -> None:
        """Begin to count anew; the write of this number is the last call, or the only one without an answer."""
        self._left, self._kills, self.writes = writes, kills, 0

    def _before(self, **_: Any) -> None:
        if self._kills and self.writes >= self._left:
            raise Killed

    def _after(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        if model.name in _WRITES:
            with self._lock:
                self.writes += 1
                last = self.writes == self._left
            if last and not self._kills:
                raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
        if self._kills and self.writes >= self._left:
            if body := parsed.get("Body"):  # of a read that another thread's last write has overtaken
                body.close()
            raise Killed
