"""Genesys's own Python SDK works with the simulator: login, every endpoint, every field.

The SDK is 172 MB, so only `make test-long` installs it (requirements-long.in); without it these tests are skipped.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

import pytest
import requests

from deployments.sandbox.genesys.control.faults import JOB_ENDS
from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.genesys.process import running
from deployments.sandbox.genesys.queries import predicate_fields
from deployments.sandbox.genesys.queries.query import FIELDS, JOB_FIELDS, ORDER_BY, ORDERS
from tasks.values import chunked
from tests.support.sdk_comparison import SdkComparison, check
from tests.support.simulator import DETAILS, MESSAGE_TYPES

SDK = "PureCloudPlatformClientV2"
CONFIGURATION = "[general]\nlive_reload_config = false\n"
NONE, MINUTE = timedelta(0), timedelta(minutes=1)
LIMIT = {"rate_limit": 10_000}
DAY = "2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z"

pytestmark = [
    pytest.mark.long,
    # The SDK keeps a connection pool for each client and leaves it to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(
        importlib.util.find_spec(SDK) is None,
        reason=f"{SDK} is not installed: `make test-long` installs it from requirements-long.in",
    ),
]


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The SDK, with its own home folder: it reads a file there and watches it in a thread."""
    home: Path = tmp_path_factory.mktemp("home")
    (home / ".genesyscloudpython").mkdir()
    (home / ".genesyscloudpython" / "config").write_text(CONFIGURATION)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("HOME", str(home))
        yield importlib.import_module(SDK)


@pytest.fixture(scope="module")
def client(sdk: Any) -> Iterator[Any]:
    """The SDK's client, logged in to a simulator with client credentials."""
    with running() as address:
        # Beyond the limit, the SDK sleeps until the next window.
        requests.post(f"{address}/_sim/faults", json=LIMIT, timeout=10).raise_for_status()
        client = sdk.api_client.ApiClient(host=address)
        yield client.get_client_credentials_token(CLIENT_ID, CLIENT_SECRET)


def some_ids(count: int) -> list[str]:
    """Constant ids, so that the same fields occur at every run."""
    return [str(uuid5(NAMESPACE_DNS, f"contract/{number}")) for number in range(count)]


def sim(client: Any, path: str, body: Any) -> None:
    """POST to a path of /_sim."""
    requests.post(f"{client.host}/_sim/{path}", json=body, timeout=10).raise_for_status()


@contextmanager
def injected(client: Any, **faults: Any) -> Iterator[None]:
    """Set faults, and reset them afterwards."""
    sim(client, "faults", faults)
    yield
    sim(client, "reset", {"only": ["faults", "counters"]})
    sim(client, "faults", LIMIT)


def allowed(model: Any, attribute: str) -> set[str]:
    """The values that the SDK allows for an attribute, read from its setter's source: they are nowhere else."""
    source = inspect.getsource(getattr(model, attribute).fset)
    found = re.search(r"allowed_values = (\[.*\])", source)
    assert found, f"{model.__name__}.{attribute} is no longer an enum"
    return set(json.loads(found[1]))


def raw(client: Any, path: str, body: Any = None) -> Any:
    """The JSON of a request without the SDK, with its token."""
    headers = {"Authorization": f"Bearer {client.access_token}"}
    method = "GET" if body is None else "POST"
    answer = requests.request(method, client.host + path, json=body, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)


def test_the_comparison_finds_unknown_fields(sdk: Any) -> None:
    """An unknown field, an unknown enum value and a wrong type are each found."""
    parsed = sdk.models.AnalyticsSession()
    parsed.media_type = "telepathy"
    parsed.recording = "yes"
    sent = {"mediaType": "telepathy", "recording": "yes", "mood": 1}
    comparison = SdkComparison(sdk)
    comparison.compare("AnalyticsSession", sent, parsed, "")
    assert {problem.split(":")[0] for problem in comparison.problems} == {".mediaType", ".recording", ".mood"}


def test_multi_get(sdk: Any, client: Any) -> None:
    """The SDK parses every field of 1,000 conversations, in ten multi-gets."""
    api, fields, sessions = sdk.AnalyticsApi(client), 0, list[Any]()
    for ids in chunked(some_ids(1000), 100):
        sent = raw(client, f"/api/v2/analytics/conversations/details?id={','.join(ids)}")
        parsed = api.get_analytics_conversations_details(id=ids)
        assert [each.conversation_id for each in parsed.conversations] == ids
        fields += check(sdk, "AnalyticsConversationWithoutAttributesMultiGetResponse", sent, parsed)
        sessions += [s for each in sent["conversations"] for p in each["participants"] for s in p["sessions"]]
    assert fields > 100_000
    # The SDK does not check these two, so an invented one would pass.
    metrics = {metric["name"] for session in sessions for metric in session["metrics"]}
    assert metrics <= allowed(sdk.models.ConversationDetailQueryPredicate, "metric")
    assert {session["messageType"] for session in sessions if "messageType" in session} <= MESSAGE_TYPES


def test_single_get(sdk: Any, client: Any) -> None:
    """One conversation by its id."""
    (conversation_id,) = some_ids(1)
    sent = raw(client, f"/api/v2/analytics/conversations/{conversation_id}/details")
    parsed = sdk.AnalyticsApi(client).get_analytics_conversation_details(conversation_id)
    check(sdk, "AnalyticsConversationWithoutAttributes", sent, parsed)
    assert parsed.conversation_end > parsed.conversation_start


def test_conversations_after_events(sdk: Any, client: Any) -> None:
    """The SDK parses conversations that are live, ended again, corrected or grown."""
    ids = [str(uuid4()) for _ in range(40)]
    for number, conversation_id in enumerate(ids):
        kind = ("ended-again", "reopened", "corrected", "grown")[number % 4]
        body = {"type": kind} | ({"bytes": 2000} if kind == "grown" else {})
        sim(client, f"conversations/{conversation_id}/events", body)
    parsed = sdk.AnalyticsApi(client).get_analytics_conversations_details(id=ids)
    sent = raw(client, f"/api/v2/analytics/conversations/details?id={','.join(ids)}")
    check(sdk, "AnalyticsConversationWithoutAttributesMultiGetResponse", sent, parsed)
    assert sum(each.conversation_end is None for each in parsed.conversations) == 10
    live = sdk.ConversationsApi(client).get_conversation(ids[1])
    check(sdk, "Conversation", raw(client, f"/api/v2/conversations/{ids[1]}"), live)
    assert live.end_time is None


def test_details_query(sdk: Any, client: Any) -> None:
    """A query built of the SDK's models, and its page."""
    sim(client, "reset", {})
    sim(client, "faults", LIMIT)
    interval = {"count": 30, "start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}
    sim(client, "conversations", interval)
    query = details_query(
        sdk, conversation=[{"type": "dimension", "dimension": "conversationEnd", "operator": "exists"}]
    )
    parsed = sdk.AnalyticsApi(client).post_analytics_conversations_details_query(query)
    body = client.sanitize_for_serialization(query)
    sent = raw(client, "/api/v2/analytics/conversations/details/query", body)
    assert len(parsed.conversations) == 20
    assert 20 < parsed.total_hits < 40
    check(sdk, "AnalyticsConversationQueryResponse", sent, parsed)


def details_query(sdk: Any, **predicates: list[dict[str, Any]]) -> Any:
    """A query with filters for conversations and segments, built of the SDK's models."""
    models = sdk.models
    query = models.ConversationQuery()
    query.interval, query.order, query.order_by = DAY, "asc", "conversationStart"
    query.paging = models.PagingSpec()
    query.paging.page_size, query.paging.page_number = 20, 1
    for kind, wanted in predicates.items():
        each = getattr(models, f"{kind.title()}DetailQueryFilter")()
        each.type, each.predicates = "and", []
        for fields in wanted:
            each.predicates.append(getattr(models, f"{kind.title()}DetailQueryPredicate")())
            for name, value in fields.items():
                setattr(each.predicates[-1], name, value)
        setattr(query, f"{kind}_filters", [each])
    return query


def test_metric_and_segment_filters(sdk: Any, client: Any) -> None:
    """Predicates on metrics, with a range, and on segments find the conversations that the details say."""
    sim(client, "reset", {})
    sim(client, "faults", LIMIT)
    sim(client, "conversations", {"ids": some_ids(100), "start": "2026-03-01", "end": "2026-03-02"})
    api, minute = sdk.AnalyticsApi(client), sdk.models.NumericRange()
    minute.gte = 60_000.0
    talked = [{"type": "metric", "metric": "tTalk", "operator": "matches", "range": minute}]
    spoken = [
        {"type": "dimension", "dimension": "mediaType", "operator": "matches", "value": "voice"},
        {"type": "metric", "metric": "tSegmentDuration", "range": minute},
        {"type": "property", "pcProperty": "mood", "property_type": "string", "operator": "notExists"},
    ]
    every = api.get_analytics_conversations_details(id=some_ids(100)).conversations
    sessions = [[s for p in each.participants for s in p.sessions] for each in every]
    talks = [sum(m.value for s in each for m in s.metrics if m.name == "tTalk") for each in sessions]
    voices = [
        [segment for s in each if s.media_type == "voice" for segment in s.segments] for each in sessions
    ]
    lengths = [[s.segment_end - s.segment_start for s in each] for each in voices]
    for query, expected in (
        (details_query(sdk, conversation=talked), sum(talk >= 60_000 for talk in talks)),
        (details_query(sdk, segment=spoken), sum(max(each, default=NONE) >= MINUTE for each in lengths)),
    ):
        query.paging.page_size = 100
        assert len(api.post_analytics_conversations_details_query(query).conversations) == expected
        assert 0 < expected < 100


def test_predicate_fields_are_the_sdks(sdk: Any) -> None:
    """The dimensions, metrics and operators of predicates and the orders of a query equal the SDK's."""
    models = sdk.models
    for model, words in (
        (models.ConversationDetailQueryPredicate, predicate_fields.CONVERSATION_FIELDS),
        (models.SegmentDetailQueryPredicate, predicate_fields.SEGMENT_FIELDS),
    ):
        assert words.dimensions == allowed(model, "dimension")
        assert words.metrics == allowed(model, "metric")
        assert set(predicate_fields.OPERATORS) == allowed(model, "operator")
    assert set(predicate_fields.PROPERTY_TYPES) == allowed(
        models.SegmentDetailQueryPredicate, "property_type"
    )
    assert set(ORDERS) == allowed(models.ConversationQuery, "order")
    assert set(ORDER_BY) == allowed(models.ConversationQuery, "order_by")
    assert set(FIELDS) == set(models.ConversationQuery().attribute_map.values())


def test_details_jobs(sdk: Any, client: Any) -> None:
    """The SDK submits a job, and parses its state, its results and the availability of the lake."""
    sim(client, "reset", {})
    sim(client, "faults", LIMIT | {"job_seconds": 0})
    sim(client, "conversations", {"ids": some_ids(100), "start": "2026-03-01", "end": "2026-03-02"})
    api, query, path = sdk.AnalyticsApi(client), sdk.models.AsyncConversationQuery(), f"{DETAILS}/jobs"
    assert set(JOB_FIELDS) == set(query.attribute_map.values())
    query.interval = DAY
    job = api.post_analytics_conversations_details_jobs(query).job_id
    status = api.get_analytics_conversations_details_job(job)
    assert status.state == "FULFILLED"
    check(sdk, "AsyncQueryStatus", raw(client, f"{path}/{job}"), status)
    assert {*JOB_ENDS, "QUEUED", "PENDING"} == allowed(sdk.models.AsyncQueryStatus, "state")
    sent = raw(client, f"{path}/{job}/results?pageSize=60")
    parsed = api.get_analytics_conversations_details_job_results(job, page_size=60)
    sent["cursor"] = parsed.cursor  # each has its own
    check(sdk, "AnalyticsConversationAsyncQueryResponse", sent, parsed)
    rest = api.get_analytics_conversations_details_job_results(job, cursor=parsed.cursor)
    assert len(parsed.conversations) + len(rest.conversations) == 100
    assert api.get_analytics_conversations_details_jobs_availability().data_availability_date


def test_conversation(sdk: Any, client: Any) -> None:
    """The SDK parses the operational model of conversations in every medium."""
    api, media = sdk.ConversationsApi(client), set[str]()
    for conversation_id in some_ids(150):
        sent = raw(client, f"/api/v2/conversations/{conversation_id}")
        parsed = api.get_conversation(conversation_id)
        check(sdk, "Conversation", sent, parsed)
        media |= {name for each in sent["participants"] for name in each if isinstance(each[name], list)}
    assert media >= {"calls", "callbacks", "chats", "messages", "emails"}


def test_integrations(sdk: Any, client: Any) -> None:
    """The SDK parses the list of integrations, one of them, and its configuration."""
    api, path = sdk.IntegrationsApi(client), "/api/v2/integrations"
    kind = "amazon-eventbridge-source"
    parsed = api.get_integrations(integration_type=kind, reported_state="ACTIVE")
    check(
        sdk,
        "IntegrationEntityListing",
        raw(client, f"{path}?integrationType={kind}&reportedState=ACTIVE"),
        parsed,
    )
    (integration,) = parsed.entities
    check(sdk, "Integration", raw(client, f"{path}/{integration.id}"), api.get_integration(integration.id))
    configuration = api.get_integration_config_current(integration.id)
    sent = raw(client, f"{path}/{integration.id}/config/current")
    check(sdk, "IntegrationConfiguration", sent, configuration)
    assert configuration.properties["eventFilter"]


def test_directory(sdk: Any, client: Any) -> None:
    """The SDK parses users, queues, wrap-up codes and divisions, by id and as whole lists."""
    routing, users = sdk.RoutingApi(client), sdk.UsersApi(client)
    authorization = sdk.AuthorizationApi(client)
    for path, kind, get in (
        ("/api/v2/users", "UserEntityListing", users.get_users),
        ("/api/v2/routing/queues", "QueueEntityListing", routing.get_routing_queues),
        ("/api/v2/routing/wrapupcodes", "WrapupCodeEntityListing", routing.get_routing_wrapupcodes),
        (
            "/api/v2/authorization/divisions",
            "AuthzDivisionEntityListing",
            authorization.get_authorization_divisions,
        ),
    ):
        ids = some_ids(30)
        sent = raw(client, f"{path}?id={','.join(ids)}&pageSize=20&pageNumber=2")
        check(sdk, kind, sent, get(id=ids, page_size=20, page_number=2))
        check(sdk, kind, raw(client, path), get())
    deleted = users.get_users(state="deleted").entities
    assert deleted
    assert {each.state for each in deleted} == {"deleted"}


def test_organization(sdk: Any, client: Any) -> None:
    """The SDK parses the organization."""
    parsed = sdk.OrganizationApi(client).get_organizations_me()
    check(sdk, "Organization", raw(client, "/api/v2/organizations/me"), parsed)


def test_limits(sdk: Any, client: Any) -> None:
    """The SDK parses the limits of the namespace platform.api."""
    parsed = sdk.OrganizationApi(client).get_organizations_limits_namespace("platform.api")
    sent = raw(client, "/api/v2/organizations/limits/namespaces/platform.api")
    check(sdk, "LimitsEntityListing", sent, parsed)
    assert {each.value for each in parsed.entities} == {LIMIT["rate_limit"]}


def api_exception(sdk: Any, client: Any, query: Any = None) -> tuple[int, str]:
    """Status and code of the ApiException for a details query, whose body is an ErrorBody."""
    with pytest.raises(sdk.rest.ApiException) as caught:
        sdk.AnalyticsApi(client).post_analytics_conversations_details_query(query or details_query(sdk))
    body = json.loads(caught.value.body)
    assert set(body) <= set(sdk.models.ErrorBody().attribute_map.values())
    assert body["status"] == caught.value.status
    return caught.value.status, body["code"]


def test_an_unknown_id_raises_api_exception(sdk: Any, client: Any) -> None:
    """Its status is 404 and its body an ErrorBody."""
    unknown = str(uuid4())
    with injected(client, unknown_ids=[unknown]), pytest.raises(sdk.rest.ApiException) as caught:
        sdk.AnalyticsApi(client).get_analytics_conversation_details(unknown)
    body = json.loads(caught.value.body)
    known = set(sdk.models.ErrorBody().attribute_map.values())
    assert (caught.value.status, body["code"]) == (404, "not.found")
    assert set(body) <= known


def test_errors_raise_api_exception(sdk: Any, client: Any) -> None:
    """400, 401, 403 and 413 raise ApiException without a retry."""
    bad, large = details_query(sdk), details_query(sdk)
    bad.interval = "PT1H"
    assert api_exception(sdk, client, bad) == (400, "invalid.date")
    large.interval = "x" * 512_001
    assert api_exception(sdk, client, large) == (413, "request.entity.too.large")
    with injected(client, missing_permission="analytics:conversationDetail:view"):
        assert api_exception(sdk, client) == (403, "missing.any.permissions")
    with injected(client, revoke_tokens=True):
        assert api_exception(sdk, client) == (401, "bad.credentials")
    client.get_client_credentials_token(CLIENT_ID, CLIENT_SECRET)
    assert (
        sdk.AnalyticsApi(client).post_analytics_conversations_details_query(details_query(sdk)).total_hits
        >= 0
    )


def test_the_sdk_waits_for_retry_after(sdk: Any, client: Any) -> None:
    """A 429 without Retry-After raises ApiException; with it the SDK waits and repeats the request."""
    with injected(client, throttle={"retry_after": None, "for_seconds": 60}):
        assert api_exception(sdk, client) == (429, "too.many.requests")
    with injected(client, throttle={"retry_after": 1, "for_seconds": 0.5}):
        began = time.monotonic()
        assert sdk.OrganizationApi(client).get_organizations_me().id
        assert time.monotonic() - began >= 1
