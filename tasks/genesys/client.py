"""The Genesys Cloud platform API, as far as this pipeline needs it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode

from requests.auth import AuthBase

from tasks.errors import PermanentError
from tasks.genesys.auth import Authenticator, Token
from tasks.genesys.directory import MAX_IDS, NameKind
from tasks.genesys.errors import BadRequest, ResponseTooLarge, Unavailable
from tasks.genesys.rate_limit.limiter import RequestLimiter
from tasks.genesys.rate_limit.window import Permit
from tasks.genesys.regions import Hosts, resolve
from tasks.genesys.responses import ApiResponse, error_for
from tasks.genesys.results import BatchBuilder, ConversationBatch, QueryPage, conversations_of
from tasks.genesys.transport import MAX_ATTEMPTS, ApiRequest, Transport
from tasks.settings import Settings
from tasks.values import canonical_id, chunked, iso

log = logging.getLogger(__name__)

DETAILS = "/api/v2/analytics/conversations/details"
_EVENTBRIDGE = "amazon-eventbridge-source"  # the type of the integration that sends the events
_SPLITTABLE = frozenset({400, 413, 414})  # refusals that may be due to one id, or to too many
_TOO_LARGE = frozenset({413, 414})
PAGE_SIZE = 100
_MAX_PERMITS = 5  # taken for one attempt, when fetching the token outlasts them


class GenesysClient:
    """Methods return parsed responses or raise one of `tasks.genesys.errors`. Thread-safe."""

    def __init__(
        self,
        transport: Transport,
        authenticator: Authenticator,
        hosts: Hosts,
        limiter: RequestLimiter,
        *,
        login_limiter: RequestLimiter | None = None,
        batch_size: int = 100,
    ) -> None:
        self.hosts = hosts
        self._transport = transport
        self._authenticator = authenticator
        self._limiter = limiter
        self._login_limiter = login_limiter or limiter
        self._batch_size = batch_size

    @classmethod
    def from_settings(cls, settings: Settings, limiter: RequestLimiter) -> Self:
        """Return a client with connections and a token of its own; `with_limiter` makes others that share them."""
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
        return cls(transport, authenticator, hosts, limiter, batch_size=settings.genesys_batch_size)

    def with_limiter(self, limiter: RequestLimiter) -> GenesysClient:
        """Return a client with the same token and connections, whose requests count in another limiter.

        Token requests keep to this client's limiter: all requests wait for them, live ones too.
        """
        return GenesysClient(
            self._transport,
            self._authenticator,
            self.hosts,
            limiter,
            login_limiter=self._login_limiter,
            batch_size=self._batch_size,
        )

    def log_in(self) -> None:
        """Have a token for the next request; one that is good is kept.

        Raises AuthenticationFailed when the login host refuses the OAuth client.
        """
        self._authenticator.token(self._login_limiter)

    def get_conversations(self, ids: Sequence[str]) -> ConversationBatch:
        """Return the details of conversations, `batch_size` of them per request.

        One bad id does not cost the others: a refused request is halved until that id is alone, and `refused`.
        """
        wanted = list(dict.fromkeys(id_.lower() for id_ in ids))
        valid = [id_ for id_ in wanted if canonical_id(id_)]
        batch = BatchBuilder(wanted)
        for id_ in set(wanted).difference(valid):
            batch.refuse(id_, BadRequest("a conversation id must be a UUID", region=self.hosts.region))
        for chunk in chunked(valid, self._batch_size):
            self._fetch(chunk, batch)
        return batch.build()

    def get_attributes(self, conversation_id: str) -> dict[str, dict[str, Any]] | None:
        """Return the attributes of a conversation's participants, by participant id, of those that have any.

        The details have no attributes: this is a request per conversation to the operational API, which keeps
        conversations for a shorter time. None when it does not know the conversation.
        """
        url = f"{self.hosts.api_url}/api/v2/conversations/{conversation_id}"
        request = ApiRequest("GET", url, "attributes of 1")
        response = self._send(request)
        if response.is_unknown_id:
            return None
        participants = self._require(HTTPStatus.OK, request, response).body.get("participants")
        return {
            str(each.get("id")): each["attributes"]
            for each in (participants if isinstance(participants, list) else ())
            if isinstance(each, dict) and isinstance(each.get("attributes"), dict)
        }

    def query_conversations(
        self,
        start: datetime,
        end: datetime,
        *,
        page: int = 1,
        page_size: int = PAGE_SIZE,
        queue_ids: Iterable[str] = (),
    ) -> QueryPage:
        """Return a page of the ended conversations that started on a day that the interval touches, oldest first.

        Genesys accepts intervals of up to 31 days with a filter, and no page beyond the 100,000th result. Raises
        ResponseTooLarge for a page that is more than it returns at once.
        """
        body = {
            "interval": f"{iso(start)}/{iso(end)}",
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": {"pageSize": page_size, "pageNumber": page},
            **ended_filters(queue_ids),
        }
        url = f"{self.hosts.api_url}{DETAILS}/query"
        response = self.request(ApiRequest("POST", url, f"details query, page {page}", json=body))
        found = tuple(conversations_of(response))
        total = response.body.get("totalHits")
        return QueryPage(
            conversations=found,
            total_hits=total if isinstance(total, int) else None,
            page=page,
            page_size=page_size,
            fetched_at=self.fetched_at(response),
            requests=response.attempts,
        )

    def organization_id(self) -> str | None:
        """Return the id of the OAuth client's organisation, which the sources of its events name; no permission."""
        response = self.request(
            ApiRequest("GET", f"{self.hosts.api_url}/api/v2/organizations/me", "organisation")
        )
        return canonical_id(response.body.get("id"))

    def integrations(self) -> list[dict[str, Any]]:
        """Return every EventBridge integration of the organization; `reportedState` is its health."""
        query = urlencode({"integrationType": _EVENTBRIDGE, "pageSize": PAGE_SIZE})
        return list(self._entities(f"/api/v2/integrations?{query}", "integrations"))

    def integration_config(self, integration_id: str) -> dict[str, Any]:
        """Return an integration's configuration: `properties` holds its AWS account, region and topics."""
        id_ = canonical_id(integration_id)
        if not id_:
            raise BadRequest("an integration id must be a UUID", region=self.hosts.region)
        url = f"{self.hosts.api_url}/api/v2/integrations/{id_}/config/current"
        return self.request(ApiRequest("GET", url, "integration config")).body

    def get_names(self, kind: NameKind, ids: Iterable[str]) -> dict[str, str]:
        """Return the names of users, queues, wrap-up codes or divisions, by id in lower case, 100 ids a request.

        What Genesys does not know, and an id that is no UUID, is not in it.
        """
        wanted = sorted({found for id_ in ids if (found := canonical_id(id_))})
        names: dict[str, str] = {}
        for chunk in chunked(wanted, MAX_IDS):
            for entity in self._entities_by_id(kind, chunk):
                id_, name = canonical_id(entity.get("id")), entity.get("name")
                if id_ in chunk and isinstance(name, str):
                    names[id_] = name
        return names

    def _entities_by_id(self, kind: NameKind, ids: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the entities of these ids, in halves where the answer would be too large, or one is unknown (404)."""
        try:
            yield from list(self._entities(kind.path(ids), f"names of {len(ids)} {kind.label}"))
        except BadRequest as error:
            unknown = error.status == HTTPStatus.NOT_FOUND
            if not (unknown or error.status in _TOO_LARGE or isinstance(error, ResponseTooLarge)):
                raise
            if len(ids) > 1:
                middle = len(ids) // 2
                yield from self._entities_by_id(kind, ids[:middle])
                yield from self._entities_by_id(kind, ids[middle:])
            elif not unknown:
                raise

    def _fetch(self, ids: list[str], batch: BatchBuilder) -> None:
        """Fetch ids into the batch, in halves where Genesys refuses the whole."""
        request = ApiRequest(
            "GET", f"{self.hosts.api_url}{DETAILS}?id={','.join(ids)}", f"details of {len(ids)}"
        )
        response = self._send(request)
        batch.count(response)
        if response.status == HTTPStatus.OK:
            batch.add(ids, response, self.fetched_at(response))
        elif len(ids) > 1 and (_is_splittable(response) or response.is_unknown_id):
            middle = len(ids) // 2
            self._fetch(ids[:middle], batch)
            self._fetch(ids[middle:], batch)
        elif not response.is_unknown_id:
            error = error_for(response, request.label, self.hosts.region)
            if not (_is_splittable(response) and isinstance(error, PermanentError)):
                raise error
            batch.refuse(ids[0], error)

    def _entities(self, path: str, label: str) -> Iterator[dict[str, Any]]:
        """Yield the entities of every page of a listing; `path` has a query."""
        pages = number = 1
        while number <= pages:
            url = f"{self.hosts.api_url}{path}&pageNumber={number}"
            body = self.request(ApiRequest("GET", url, label)).body
            entities, count = body.get("entities"), body.get("pageCount")
            if not (isinstance(entities, list) and entities):
                return
            yield from (each for each in entities if isinstance(each, dict))
            pages, number = count if isinstance(count, int) else 1, number + 1

    def request(self, request: ApiRequest, status: HTTPStatus = HTTPStatus.OK) -> ApiResponse:
        """Return a response with the status of a success, 200 or the given one; raise the error of any other."""
        return self._require(status, request, self._send(request))

    def _require(self, status: HTTPStatus, request: ApiRequest, response: ApiResponse) -> ApiResponse:
        if response.status != status:
            raise error_for(response, request.label, self.hosts.region)
        return response

    def _send(self, request: ApiRequest) -> ApiResponse:
        """Return the response; after a 401 the request is sent once more, with a new token."""
        first, token = self._exchange(request, MAX_ATTEMPTS)
        if first.status != HTTPStatus.UNAUTHORIZED:
            return first
        self._authenticator.invalidate(token)
        second, token = self._exchange(request, MAX_ATTEMPTS + 1 - first.attempts)
        if second.status == HTTPStatus.UNAUTHORIZED:
            self._authenticator.invalidate(token)
            raise error_for(second, request.label, self.hosts.region)
        return replace(second, attempts=first.attempts + second.attempts)

    def _exchange(self, request: ApiRequest, max_attempts: int) -> tuple[ApiResponse, Token]:
        """Return the response and the token of its last attempt."""
        attempts: list[tuple[Permit, Token]] = []

        def authorize() -> AuthBase:
            attempts.append(self._authorize())
            return attempts[-1][1]

        def observe(headers: Mapping[str, str]) -> None:
            self._limiter.observe(headers)
            self._limiter.answered(attempts[-1][0])

        response = self._transport.exchange(
            request,
            authorize,
            region=self.hosts.region,
            max_attempts=max_attempts,
            observe=observe,
        )
        return response, attempts[-1][1]

    def _authorize(self) -> tuple[Permit, Token]:
        """Take a permit and a token; when fetching the token outlasts the permit, take another permit."""
        clock = self._transport.clock
        for _ in range(_MAX_PERMITS):
            permit, granted_at = self._limiter.acquire(), clock.monotonic()
            token = self._authenticator.token(self._login_limiter)
            if clock.monotonic() - granted_at <= permit.lifetime:
                return permit, token
        raise Unavailable(f"tokens of {self.hosts.login_url} take too long", region=self.hosts.region)

    def fetched_at(self, response: ApiResponse) -> datetime:
        """Return when Genesys sent a response, by its clock."""
        if response.date is None:
            log.warning("a response without a usable Date header: this machine's clock dates the fetch")
        return response.date or self._transport.clock.now()


def _is_splittable(response: ApiResponse) -> bool:
    """Return whether one id, or too many of them, may be why there is no answer."""
    return response.too_large or response.status in _SPLITTABLE


def ended_filters(queue_ids: Iterable[str]) -> dict[str, Any]:
    """Return the filters of a query or a job: a conversation that has ended, of one of the queues if there are any."""
    ended = {"type": "dimension", "dimension": "conversationEnd", "operator": "exists"}
    filters: dict[str, Any] = {"conversationFilters": [{"type": "and", "predicates": [ended]}]}
    queues = [
        {"type": "dimension", "dimension": "queueId", "operator": "matches", "value": queue_id}
        for queue_id in queue_ids
    ]
    if queues:
        filters["segmentFilters"] = [{"type": "or", "predicates": queues}]
    return filters
