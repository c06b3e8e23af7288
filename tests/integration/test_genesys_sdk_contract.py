"""Genesys's own Python SDK takes the simulator for Genesys: it logs in, calls, and knows every field.

The SDK is 172 MB, so only `make test-long` installs it (requirements-long.in); elsewhere these are skipped.
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
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

import pytest
import requests

from deployments.sandbox.genesys import queries, vocabulary
from deployments.sandbox.genesys.process import running
from deployments.sandbox.genesys.tokens import CLIENT_ID, CLIENT_SECRET
from tests.integration.genesys_simulator import MESSAGE_TYPES

SDK = "PureCloudPlatformClientV2"
# What the SDK turns an enum value into that it does not know.
LOST = "outdated_sdk_version"
NATIVE: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (float, int),
    "str": str,
    "bool": bool,
    "datetime": date,
    "object": object,
}
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
    """The SDK, with a home folder of its own, as it reads a file there and watches it in a thread."""
    home: Path = tmp_path_factory.mktemp("home")
    (home / ".genesyscloudpython").mkdir()
    (home / ".genesyscloudpython" / "config").write_text(CONFIGURATION)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("HOME", str(home))
        yield importlib.import_module(SDK)


@pytest.fixture(scope="module")
def client(sdk: Any) -> Iterator[Any]:
    """The SDK's client for a simulator, logged in with its own client-credentials call."""
    with running() as address:
        # Beyond the limit the SDK sleeps out the minute.
        requests.post(f"{address}/_sim/faults", json=LIMIT, timeout=10).raise_for_status()
        client = sdk.api_client.ApiClient(host=address)
        yield client.get_client_credentials_token(CLIENT_ID, CLIENT_SECRET)


def some_ids(count: int) -> list[str]:
    """So many ids, the same each time: a field that only some conversations have is tried or is not."""
    return [str(uuid5(NAMESPACE_DNS, f"contract/{number}")) for number in range(count)]


def sim(client: Any, path: str, body: Any) -> None:
    """Have /_sim do something."""
    requests.post(f"{client.host}/_sim/{path}", json=body, timeout=10).raise_for_status()


@contextmanager
def struck(client: Any, **faults: Any) -> Iterator[None]:
    """Let Genesys have faults for a while."""
    sim(client, "faults", faults)
    yield
    sim(client, "reset", {"only": ["faults", "counters"]})
    sim(client, "faults", LIMIT)


def allowed(model: Any, attribute: str) -> set[str]:
    """The values that the SDK knows of an attribute: they are written in its setter and nowhere else."""
    source = inspect.getsource(getattr(model, attribute).fset)
    found = re.search(r"allowed_values = (\[.*\])", source)
    assert found, f"{model.__name__}.{attribute} is no enum any more"
    return set(json.loads(found[1]))


def raw(client: Any, path: str, body: Any = None) -> Any:
    """Answer of a call without the SDK, with its token."""
    headers = {"Authorization": f"Bearer {client.access_token}"}
    method = "GET" if body is None else "POST"
    answer = requests.request(method, client.host + path, json=body, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)


class Comparison:
    """What the simulator sent beside what the SDK made of it."""

    def __init__(self, sdk: Any) -> None:
        self._models = sdk.models
        self.fields = 0
        self.problems: set[str] = set()

    def compare(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        """Note every field that the SDK does not know or did not understand."""
        self.fields += 1
        if sent is None and parsed is None:
            return
        inner = re.fullmatch(r"(list)\[(.*)\]|(dict)\([^,]*, (.*)\)", kind)
        if inner and inner[1]:
            self._compare_list(inner[2], sent, parsed, where)
        elif inner:
            self._compare_dict(inner[4], sent, parsed, where)
        elif kind in NATIVE:
            self._compare_value(kind, sent, parsed, where)
        else:
            self._compare_model(kind, sent, parsed, where)

    def _compare_list(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        if not isinstance(sent, list) or len(sent) != len(parsed):
            self.problems.add(f"{where}: no list")
            return
        for each, ours in zip(sent, parsed, strict=True):
            self.compare(kind, each, ours, f"{where}[]")

    def _compare_dict(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        if not isinstance(sent, dict) or set(sent) != set(parsed):
            self.problems.add(f"{where}: no map")
            return
        for name, each in sent.items():
            self.compare(kind, each, parsed[name], f"{where}.{name}")

    def _compare_value(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        wanted = NATIVE[kind]
        if not isinstance(parsed, wanted) or (kind != "bool" and isinstance(sent, bool)):
            self.problems.add(f"{where}: {type(sent).__name__} instead of {kind}")
        elif kind != "datetime" and parsed != sent:
            self.problems.add(f"{where}: {LOST if parsed == LOST else 'another value'} for {sent!r}")

    def _compare_model(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        model = getattr(self._models, kind)()
        attributes = {name: attribute for attribute, name in model.attribute_map.items()}
        for name, each in sent.items():
            if name not in attributes:
                self.problems.add(f"{where}.{name}: not in {kind}")
                continue
            attribute = attributes[name]
            value = getattr(parsed, attribute)
            self.compare(model.swagger_types[attribute], each, value, f"{where}.{name}")


def check(sdk: Any, kind: str, sent: Any, parsed: Any) -> int:
    """Fail with every field that the SDK did not take; return how many there were."""
    comparison = Comparison(sdk)
    comparison.compare(kind, sent, parsed, kind)
    assert sorted(comparison.problems) == []
    return comparison.fields


def test_the_comparison_finds_what_the_sdk_does_not_know(sdk: Any) -> None:
    """An unknown field, an unknown enum value and a wrong type are each found."""
    parsed = sdk.models.AnalyticsSession()
    parsed.media_type = "telepathy"
    parsed.recording = "yes"
    sent = {"mediaType": "telepathy", "recording": "yes", "mood": 1}
    comparison = Comparison(sdk)
    comparison.compare("AnalyticsSession", sent, parsed, "")
    assert {problem.split(":")[0] for problem in comparison.problems} == {".mediaType", ".recording", ".mood"}


def test_multi_get(sdk: Any, client: Any) -> None:
    """A thousand conversations, by ten multi-gets of a hundred: every field is known and understood."""
    api, fields, sessions = sdk.AnalyticsApi(client), 0, list[Any]()
    every = some_ids(1000)
    for first in range(0, len(every), 100):
        ids = every[first : first + 100]
        sent = raw(client, f"/api/v2/analytics/conversations/details?id={','.join(ids)}")
        parsed = api.get_analytics_conversations_details(id=ids)
        assert [each.conversation_id for each in parsed.conversations] == ids
        fields += check(sdk, "AnalyticsConversationWithoutAttributesMultiGetResponse", sent, parsed)
        sessions += [s for each in sent["conversations"] for p in each["participants"] for s in p["sessions"]]
    assert fields > 100_000
    # The SDK leaves these two free, and would not notice an invented one.
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


def test_conversations_that_go_on(sdk: Any, client: Any) -> None:
    """Conversations that are live, came back or were corrected are understood as well."""
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
    """A query made of the SDK's own models, and the page that answers it."""
    sim(client, "reset", {})
    sim(client, "faults", LIMIT)
    interval = {"count": 30, "start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}
    sim(client, "conversations", interval)
    query = asked(
        sdk, conversation=[{"type": "dimension", "dimension": "conversationEnd", "operator": "exists"}]
    )
    parsed = sdk.AnalyticsApi(client).post_analytics_conversations_details_query(query)
    body = client.sanitize_for_serialization(query)
    sent = raw(client, "/api/v2/analytics/conversations/details/query", body)
    assert (parsed.total_hits, len(parsed.conversations)) == (30, 20)
    check(sdk, "AnalyticsConversationQueryResponse", sent, parsed)


def asked(sdk: Any, **predicates: list[dict[str, Any]]) -> Any:
    """A query with filters of conversations and of segments, made of the SDK's own models."""
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
    """Predicates on metrics, with a range, and on segments find what the details say."""
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
        (asked(sdk, conversation=talked), sum(talk >= 60_000 for talk in talks)),
        (asked(sdk, segment=spoken), sum(max(each, default=NONE) >= MINUTE for each in lengths)),
    ):
        assert api.post_analytics_conversations_details_query(query).total_hits == expected
        assert 0 < expected < 100


def test_the_vocabulary_is_the_sdks(sdk: Any) -> None:
    """Every name that a predicate may have, none more and none less; and every order of a query."""
    models = sdk.models
    for model, words in (
        (models.ConversationDetailQueryPredicate, vocabulary.CONVERSATION),
        (models.SegmentDetailQueryPredicate, vocabulary.SEGMENT),
    ):
        assert words.dimensions == allowed(model, "dimension")
        assert words.metrics == allowed(model, "metric")
        assert set(vocabulary.OPERATORS) == allowed(model, "operator")
    assert set(vocabulary.PROPERTY_TYPES) == allowed(models.SegmentDetailQueryPredicate, "property_type")
    assert set(queries.ORDERS) == allowed(models.ConversationQuery, "order")
    assert set(queries.ORDER_BY) == allowed(models.ConversationQuery, "order_by")
    assert set(queries.FIELDS) == set(models.ConversationQuery().attribute_map.values())


def test_conversation(sdk: Any, client: Any) -> None:
    """The operational model of conversations in every medium."""
    api, media = sdk.ConversationsApi(client), set[str]()
    for conversation_id in some_ids(150):
        sent = raw(client, f"/api/v2/conversations/{conversation_id}")
        parsed = api.get_conversation(conversation_id)
        check(sdk, "Conversation", sent, parsed)
        media |= {name for each in sent["participants"] for name in each if isinstance(each[name], list)}
    assert media >= {"calls", "callbacks", "chats", "messages", "emails"}


def test_integrations(sdk: Any, client: Any) -> None:
    """The list of integrations, one of them, and its configuration."""
    api, path = sdk.IntegrationsApi(client), "/api/v2/integrations"
    kind = "amazon-eventbridge-source"
    parsed = api.get_integrations(integration_type=kind, reported_state="ACTIVE")
    check(sdk, "IntegrationEntityListing", raw(client, f"{path}?integrationType={kind}"), parsed)
    (integration,) = parsed.entities
    check(sdk, "Integration", raw(client, f"{path}/{integration.id}"), api.get_integration(integration.id))
    configuration = api.get_integration_config_current(integration.id)
    sent = raw(client, f"{path}/{integration.id}/config/current")
    check(sdk, "IntegrationConfiguration", sent, configuration)
    assert configuration.properties["eventFilter"]


def test_organization(sdk: Any, client: Any) -> None:
    """The organization's name."""
    parsed = sdk.OrganizationApi(client).get_organizations_me()
    check(sdk, "Organization", raw(client, "/api/v2/organizations/me"), parsed)


def test_limits(sdk: Any, client: Any) -> None:
    """The limits of the platform's namespace."""
    parsed = sdk.OrganizationApi(client).get_organizations_limits_namespace("platform.api")
    sent = raw(client, "/api/v2/organizations/limits/namespaces/platform.api")
    check(sdk, "LimitsEntityListing", sent, parsed)
    assert {each.value for each in parsed.entities} == {LIMIT["rate_limit"]}


def refused(sdk: Any, client: Any, query: Any = None) -> tuple[int, str]:
    """Status and code of the ApiException that the SDK raises for a details query; its body is an ErrorBody."""
    with pytest.raises(sdk.rest.ApiException) as caught:
        sdk.AnalyticsApi(client).post_analytics_conversations_details_query(query or asked(sdk))
    body = json.loads(caught.value.body)
    assert set(body) <= set(sdk.models.ErrorBody().attribute_map.values())
    assert body["status"] == caught.value.status
    return caught.value.status, body["code"]


def test_errors_are_genesys_errors(sdk: Any, client: Any) -> None:
    """An unknown id raises the SDK's ApiException with the status and a body that is an ErrorBody."""
    unknown = str(uuid4())
    with struck(client, unknown_ids=[unknown]), pytest.raises(sdk.rest.ApiException) as caught:
        sdk.AnalyticsApi(client).get_analytics_conversation_details(unknown)
    body = json.loads(caught.value.body)
    known = set(sdk.models.ErrorBody().attribute_map.values())
    assert (caught.value.status, body["code"]) == (404, "not.found")
    assert set(body) <= known


def test_refusals_reach_the_sdk(sdk: Any, client: Any) -> None:
    """400, 401, 403 and 413: each an ApiException at once."""
    bad, large = asked(sdk), asked(sdk)
    bad.interval = "PT1H"
    assert refused(sdk, client, bad) == (400, "invalid.date")
    large.interval = "x" * 512_001
    assert refused(sdk, client, large) == (413, "request.entity.too.large")
    with struck(client, missing_permission="analytics:conversationDetail:view"):
        assert refused(sdk, client) == (403, "missing.any.permissions")
    with struck(client, revoke_tokens=True):
        assert refused(sdk, client) == (401, "bad.credentials")
    client.get_client_credentials_token(CLIENT_ID, CLIENT_SECRET)
    assert sdk.AnalyticsApi(client).post_analytics_conversations_details_query(asked(sdk)).total_hits >= 0


def test_a_429_reaches_the_sdk_or_is_waited_out(sdk: Any, client: Any) -> None:
    """Without a wait it is an ApiException; with one the SDK sleeps that long and asks again."""
    with struck(client, throttle={"retry_after": None, "for_seconds": 60}):
        assert refused(sdk, client) == (429, "too.many.requests")
    with struck(client, throttle={"retry_after": 1, "for_seconds": 0.5}):
        began = time.monotonic()
        assert sdk.OrganizationApi(client).get_organizations_me().id
        assert time.monotonic() - began >= 1
