"""What is sent to DynamoDB: update expressions, typed values, times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import NotReady, PermanentError
from tasks.stores.dynamodb import Update, iso, marshal, unmarshal
from tasks.stores.errors import (
    ItemRefused,
    StoreMisconfigured,
    StoreThrottled,
    StoreUnavailable,
    translated,
)

values = st.recursive(
    st.one_of(st.text(), st.integers(-(10**30), 10**30), st.booleans(), st.decimals("-1e9", "1e9", places=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)

moments = st.integers(0, 4_102_444_799_999).map(
    lambda ms: datetime.fromtimestamp(ms / 1000, UTC)
)  # until 2100


def test_every_name_and_value_is_a_placeholder() -> None:
    """An attribute may be called as it likes: `count`, `metrics` and `name` are DynamoDB's own words."""
    arguments = Update().set({"name": "x"}).remove(["metrics"]).add("count", 1).arguments()
    assert arguments == {
        "UpdateExpression": "SET #name = :name REMOVE #metrics ADD #count :add_count",
        "ExpressionAttributeNames": {"#name": "name", "#metrics": "metrics", "#count": "count"},
        "ExpressionAttributeValues": {":name": {"S": "x"}, ":add_count": {"N": "1"}},
    }


def test_what_is_not_known_is_not_set() -> None:
    """None leaves the attribute as it is; false, nought and empty text are values."""
    arguments = Update().set({"a": None, "b": False, "c": 0, "d": ""}).arguments()
    assert arguments["UpdateExpression"] == "SET #b = :b, #c = :c, #d = :d"
    assert "#a" not in arguments["ExpressionAttributeNames"]


def test_values_are_left_out_where_there_are_none() -> None:
    """DynamoDB refuses an empty map of values."""
    assert "ExpressionAttributeValues" not in Update().remove(["dueAt"]).arguments()


def test_all_conditions_must_hold() -> None:
    """Each condition is taken whole: an OR within one does not reach into the next."""
    arguments = Update().remove(["a"]).arguments("a OR b", "c")
    assert arguments["ConditionExpression"] == "(a OR b) AND (c)"
    assert "ConditionExpression" not in Update().remove(["a"]).arguments()


def test_an_expression_goes_beside_plain_values() -> None:
    """What is computed from the item itself is set in the same step."""
    update = Update().set({"a": 1})
    first = update.name("firstAt")
    update.set_expression(f"{first} = if_not_exists({first}, {update.value('now', 'x')})")
    assert update.arguments()["UpdateExpression"] == "SET #a = :a, #firstAt = if_not_exists(#firstAt, :now)"


@given(st.dictionaries(st.text(min_size=1), values, max_size=5))
def test_what_goes_in_comes_out(item: dict[str, object]) -> None:
    """Text, whole and exact numbers, lists and maps survive the way to DynamoDB and back."""
    assert unmarshal(marshal(item)) == item


@given(moments, moments)
def test_times_sort_as_text(one: datetime, two: datetime) -> None:
    """Whole milliseconds of UTC, of one width: the text's order is time's."""
    first, second = (moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in (one, two))
    assert (iso(one) < iso(two)) == (first < second)
    assert len(iso(one)) == len("2026-01-15T10:00:00.000Z")


def test_times_are_utc() -> None:
    """A time of another zone is the same moment in UTC."""
    moment = datetime(2026, 1, 15, 3, 0, 0, 5_999, tzinfo=timezone(timedelta(hours=-7)))
    assert iso(moment) == "2026-01-15T10:00:00.005Z"


def refused(code: str, status: int = 400, message: str = "") -> ClientError:
    """What boto3 raises when AWS answers with an error."""
    response = {
        "Error": {"Code": code, "Message": f"One of jane.doe@example.com's values. {message}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "UpdateItem")  # type: ignore[arg-type]  # the rest is of no interest


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused("ValidationException"), ItemRefused),
        (refused("ItemCollectionSizeLimitExceededException"), ItemRefused),
        (refused("ThrottlingException"), StoreThrottled),
        (refused("ProvisionedThroughputExceededException"), StoreThrottled),
        (refused("SlowDown", 503), StoreThrottled),
        (refused("ResourceNotFoundException"), StoreMisconfigured),
        (refused("ExpiredTokenException"), StoreMisconfigured),
        (refused("Unheard", 403), StoreMisconfigured),
        (refused("InvalidSignatureException"), StoreMisconfigured),  # a worker's clock is minutes off
        (refused("MissingAuthenticationTokenException"), StoreMisconfigured),
        (refused("KMS.DisabledException"), StoreMisconfigured),
        (refused("Unheard"), StoreMisconfigured),
        (
            refused("ValidationException", 400, "The provided key element does not match the schema"),
            StoreMisconfigured,
        ),
        (refused("InternalServerError", 500), StoreUnavailable),
        (refused("Unheard", 502), StoreUnavailable),
        (EndpointConnectionError(endpoint_url="https://example.com"), StoreUnavailable),
        (NoCredentialsError(), StoreUnavailable),
    ],
)
def test_each_failure_of_aws_is_one_of_ours(error: Exception, expected: type[Exception]) -> None:
    """It names the table and AWS's code, repeats nothing of the item, and waits unless the item is at fault."""
    with pytest.raises(expected, match="table interactions") as caught, translated("table interactions"):
        raise error
    assert type(caught.value) is expected
    assert isinstance(caught.value, PermanentError if expected is ItemRefused else NotReady)
    assert "jane" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_bug_of_ours_stays_what_it_is() -> None:
    """Only AWS's errors are translated."""
    with pytest.raises(KeyError), translated("table interactions"):
        raise KeyError("x")


def test_numbers_are_exact() -> None:
    """A number of Genesys's arrives in DynamoDB digit for digit."""
    assert marshal({"mos": Decimal("4.8820000000000001")}) == {"mos": {"N": "4.8820000000000001"}}
