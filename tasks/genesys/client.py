"""The Genesys Cloud platform API, as far as this pipeline needs it. Thread-safe; one per budget."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlencode

from requests.auth import AuthBase

from tasks.errors import PermanentError
from tasks.genesys.answers import NOT_FOUND, OK, UNAUTHORIZED, Answer, error_for
from tasks.genesys.auth import Authenticator, Token
from tasks.genesys.budget import RequestBudget
from tasks.genesys.errors import BadRequest, Unavailable
from tasks.genesys.fetch import Fetch, QueryPage
from tasks.genesys.regions import Hosts, resolve
from tasks.genesys.transport import TRIES, Call, Transport
from tasks.settings import Settings

log = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DETAILS = "/api/v2/analytics/conversations/details"
_SPLITTABLE = frozenset({400, 413, 414})
_PAGE = 100
_PATIENCE = 5  # turns taken again because a token took too long to come
_CODES_OF_NOT_FOUND = frozenset({"not.found", "resource.not.found"})


class GenesysClient:
    """Calls that return parsed answers or raise one of `tasks.genesys.errors`."""

    def __init__(
        self,
        transport: Transport,
        authenticator: Authenticator,
        hosts: Hosts,
        budget: RequestBudget,
        *,
        login_budget: RequestBudget | None = None,
        batch_size: int = 100,
    ) -> None:
        self.hosts = hosts
        self._transport = transport
        self._authenticator = authenticator
        self._budget = budget
        self._login_budget = login_budget or budget
        self._batch_size = batch_size

    @classmethod
    def from_settings(cls, settings: Settings, budget: RequestBudget) -> Self:
        """Return a client with connections and a token of its own; `with_budget` shares them further."""
        hosts = resolve(
            settings.genesys_region, login_url=settings.genesys_login_url, api_url=settings.genesys_api_url
        )
        transport = Transport(
            connect_timeout=settings.genesys_connect_timeout,
            read_timeout=settings.genesys_read_timeout,
            max_wait=settings.genesys_max_wait,
            retry_delay=settings.genesys_retry_delay,
        )
        authenticator = Authenticator(
            transport, hosts, settings.genesys_client_id, settings.genesys_client_secret
        )
        return cls(transport, authenticator, hosts, budget, batch_size=settings.genesys_batch_size)

    def with_budget(self, budget: RequestBudget) -> GenesysClient:
        """Return a client with the same token and connections, whose requests count in another budget.

        The token, for which everybody waits, goes on taking its turns in this one.
        """
        return GenesysClient(
            self._transport,
            self._authenticator,
            self.hosts,
            budget,
            login_budget=self._login_budget,
            batch_size=self._batch_size,
        )

    def get_conversations(self, ids: Sequence[str]) -> Fetch:
        """Return conversations' details, a batch a request; an id that spoils its batch is `refused`."""
        wanted = list(dict.fromkeys(conversation_id.lower() for conversation_id in ids))
        refused: dict[str, PermanentError] = {
            name: BadRequest("a conversation id must be a UUID", region=self.hosts.region)
            for name in wanted
            if not _UUID.fullmatch(name)
        }
        fetch = _Gathered(refused)
        valid = [name for name in wanted if name not in refused]
        for start in range(0, len(valid), self._batch_size):
            self._gather(valid[start : start + self._batch_size], fetch)
        return fetch.finish(wanted)

    def get_attributes(self, conversation_id: str) -> dict[str, dict[str, Any]] | None:
        """Return the attributes of a conversation's participants, by participant id; those that have any.

        A request for each conversation, of the operational API: the details have no attributes. None when it does not
        know the conversation, which it forgets sooner than the details.
        """
        call = Call("GET", f"{self.hosts.api_url}/api/v2/conversations/{conversation_id}", "attributes of 1")
        answer = self._request(call)
        if answer.status == NOT_FOUND and answer.code in _CODES_OF_NOT_FOUND:
            return None
        if answer.status != OK:
            raise error_for(answer, call.what, self.hosts.region)
        participants = answer.body.get("participants")
        found = (
            [each for each in participants if isinstance(each, dict)]
            if isinstance(participants, list)
            else []
        )
        return {
            str(each.get("id")): each["attributes"]
            for each in found
            if isinstance(each.get("attributes"), dict)
        }

    def query_conversations(
        self,
        start: datetime,
        end: datetime,
        *,
        page: int = 1,
        page_size: int = _PAGE,
        only_ended: bool = True,
        queue_ids: Iterable[str] = (),
    ) -> QueryPage:
        """Return a page of the conversations that started on a day which the interval touches, oldest first.

        Genesys takes at most 31 days with a filter and 7 without, and no page beyond the 100,000th result.
        """
        body: dict[str, Any] = {
            "interval": f"{_iso(start)}/{_iso(end)}",
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": {"pageSize": page_size, "pageNumber": page},
            **_filters(only_ended=only_ended, queue_ids=queue_ids),
        }
        call = Call("POST", f"{self.hosts.api_url}{_DETAILS}/query", f"details query, page {page}", json=body)
        answer = self._successful(call)
        found = tuple(_conversations(answer))
        total = answer.body.get("totalHits")
        return QueryPage(
            found,
            total if isinstance(total, int) else len(found),
            page,
            page_size,
            self._dated(answer),
            answer.attempts,
            answer.correlation_id,
        )

    def integrations(self, integration_type: str = "amazon-eventbridge-source") -> list[dict[str, Any]]:
        """Return every integration of a type; `reportedState` is its health."""
        found: list[dict[str, Any]] = []
        pages = number = 1
        while number <= pages:
            query = urlencode({"integrationType": integration_type, "pageSize": _PAGE, "pageNumber": number})
            answer = self._successful(
                Call("GET", f"{self.hosts.api_url}/api/v2/integrations?{query}", "integrations")
            )
            found += [each for each in answer.body.get("entities") or () if isinstance(each, dict)]
            count = answer.body.get("pageCount")
            pages, number = count if isinstance(count, int) else 1, number + 1
        return found

    def integration_config(self, integration_id: str) -> dict[str, Any]:
        """Return an integration's configuration: `properties` holds its AWS account, region and topics."""
        name = integration_id.lower()
        if not _UUID.fullmatch(name):
            raise BadRequest("an integration id must be a UUID", region=self.hosts.region)
        url = f"{self.hosts.api_url}/api/v2/integrations/{name}/config/current"
        return self._successful(Call("GET", url, "integration config")).body

    def _gather(self, ids: list[str], fetch: _Gathered) -> None:
        """Fetch ids; halve them when the request is refused, until the offender is alone."""
        call = Call("GET", f"{self.hosts.api_url}{_DETAILS}?id={','.join(ids)}", f"details of {len(ids)}")
        answer = self._request(call)
        fetch.requests += answer.attempts
        fetch.correlation_id = answer.correlation_id
        not_found = answer.status == NOT_FOUND and answer.code in _CODES_OF_NOT_FOUND
        if answer.status == OK:
            fetch.add(ids, _conversations(answer), self._dated(answer))
        elif len(ids) > 1 and (answer.status in _SPLITTABLE or not_found):
            middle = len(ids) // 2
            self._gather(ids[:middle], fetch)
            self._gather(ids[middle:], fetch)
        elif not not_found:
            error = error_for(answer, call.what, self.hosts.region)
            if answer.status not in _SPLITTABLE or not isinstance(error, PermanentError):
                raise error
            fetch.refused[ids[0]] = error

    def _successful(self, call: Call) -> Answer:
        answer = self._request(call)
        if answer.status != OK:
            raise error_for(answer, call.what, self.hosts.region)
        return answer

    def _request(self, call: Call) -> Answer:
        """Return Genesys's answer; a refused token is dropped, and the request made again with a new one."""
        answer, token = self._exchange(call, TRIES)
        if answer.status != UNAUTHORIZED:
            return answer
        self._authenticator.drop(token)
        again, token = self._exchange(call, TRIES + 1 - answer.attempts)
        if again.status == UNAUTHORIZED:
            self._authenticator.drop(token)
            raise error_for(again, call.what, self.hosts.region)
        return replace(again, attempts=answer.attempts + again.attempts)

    def _exchange(self, call: Call, tries: int) -> tuple[Answer, Token]:
        used: list[Token] = []

        def authorize() -> AuthBase:
            used.append(self._turn())
            return used[-1]

        answer = self._transport.exchange(
            call, authorize, region=self.hosts.region, tries=tries, observe=self._budget.observe
        )
        return answer, used[-1]

    def _turn(self) -> Token:
        """Take a turn in the budget, and a token; fetching one can make the turn stale: then take another."""
        clock = self._transport.clock
        for _ in range(_PATIENCE):
            left, since = self._budget.acquire(), clock.monotonic()
            token = self._authenticator.token(self._login_budget)
            if clock.monotonic() - since <= left:
                return token
        raise Unavailable(f"tokens of {self.hosts.login_url} take too long", region=self.hosts.region)

    def _dated(self, answer: Answer) -> datetime:
        date = answer.date
        if date is None:
            log.warning("an answer without a usable Date header: this machine's clock dates the fetch")
        return date or self._transport.clock.now()


class _Gathered:
    """A fetch in the making."""

    def __init__(self, refused: dict[str, PermanentError]) -> None:
        self.refused = refused
        self.requests = 0
        self.correlation_id: str | None = None
        self._conversations: dict[str, dict[str, Any]] = {}
        self._dates: dict[str, datetime] = {}

    def add(self, asked: list[str], conversations: Iterator[dict[str, Any]], date: datetime) -> None:
        """Keep what was asked for; anything else that came along is nobody's."""
        wanted = set(asked)
        for conversation in conversations:
            name = conversation["conversationId"].lower()
            if name in wanted:
                self._conversations[name] = conversation
                self._dates[name] = date

    def finish(self, wanted: list[str]) -> Fetch:
        known = self._conversations.keys() | self.refused.keys()
        return Fetch(
            self._conversations,
            frozenset(name for name in wanted if name not in known),
            self.refused,
            self._dates,
            self.requests,
            self.correlation_id,
        )


def _conversations(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the conversations of an answer; the key may be absent, and an entry without an id is nothing."""
    entries = answer.body.get("conversations")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("conversationId"), str):
            yield entry


def _filters(*, only_ended: bool, queue_ids: Iterable[str]) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    if only_ended:
        ended = {"type": "dimension", "dimension": "conversationEnd", "operator": "exists"}
        filters["conversationFilters"] = [{"type": "and", "predicates": [ended]}]
    queues = [
        {"type": "dimension", "dimension": "queueId", "operator": "matches", "value": queue_id}
        for queue_id in queue_ids
    ]
    if queues:
        filters["segmentFilters"] = [{"type": "or", "predicates": queues}]
    return filters


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
