"""A client of the Genesys simulator for its own tests: one request per call, no retries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import requests

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET

Json = dict[str, Any]

DETAILS = "/api/v2/analytics/conversations/details"
QUERY = f"{DETAILS}/query"
GRANT = {"grant_type": "client_credentials"}
WAIT_SECONDS = 60.0
# Genesys's values of messageType, in lower case as in the details.
MESSAGE_TYPES = frozenset({
    "sms", "twitter", "facebook", "line", "whatsapp", "webmessaging", "open", "instagram", "apple", "linkedin",
})  # fmt: skip


class SimulatorClient:
    """An HTTP session with the simulator's address and a token."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False

    def login(self) -> SimulatorClient:
        """Get a new token."""
        del self.session.headers["Authorization"]
        answer = self.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET))
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def get(self, path: str, **params: Any) -> requests.Response:
        """The response of a GET."""
        return self.session.get(self.address + path, params=params, timeout=WAIT_SECONDS)

    def post(self, path: str, **arguments: Any) -> requests.Response:
        """The response of a POST."""
        return self.session.post(self.address + path, timeout=WAIT_SECONDS, **arguments)

    def sim(self, path: str = "", body: Any = None) -> Any:
        """The JSON of a /_sim path: of a GET, or of a POST if there is a body."""
        url = "/_sim" + path
        answer = self.get(url) if body is None else self.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def faults(self, **settings: Any) -> Any:
        """Set faults."""
        return self.sim("/faults", settings)

    def details(self, *ids: str) -> dict[str, Json]:
        """The conversations that a multi-get returns, by id."""
        answer = self.get(DETAILS, id=",".join(ids))
        assert answer.status_code == 200, answer.text
        return {each["conversationId"]: each for each in answer.json().get("conversations", [])}

    def add(self, start: str, end: str, count: int = 1) -> list[str]:
        """Add conversations that started in an interval; their ids."""
        added: list[str] = self.sim("/conversations", {"count": count, "start": start, "end": end})["ids"]
        return added

    def find(self, interval: str, **body: Any) -> Json:
        """The response body of a details query."""
        answer = self.post(QUERY, json={"interval": interval, **body})
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def hits(self, interval: str, **body: Any) -> int:
        """The number of conversations that a details query finds, page by page: totalHits is an estimate."""
        found, number = 0, 1
        while page := self.find(interval, paging={"pageSize": 100, "pageNumber": number}, **body).get(
            "conversations"
        ):
            found, number = found + len(page), number + 1
        return found


def reset_client(address: str) -> Iterator[SimulatorClient]:
    """Reset the simulator and yield a client with a new token."""
    client = SimulatorClient(address)
    client.session.headers["Authorization"] = ""
    client.sim("/reset", {})
    client.login()
    client.sim("/reset", {"only": ["counters"]})
    yield client
    client.session.close()


def new_ids(count: int) -> list[str]:
    """New random ids."""
    return [str(uuid4()) for _ in range(count)]


def segments(details: Json) -> list[Json]:
    """Every segment of a conversation."""
    return [s for p in details["participants"] for each in p["sessions"] for s in each["segments"]]
