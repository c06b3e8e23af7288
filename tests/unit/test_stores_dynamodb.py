"""What is sent to DynamoDB: update expressions and typed values; and how AWS's errors are raised."""

from __future__ import annotations

from decimal import Decimal, Inexact, Rounded
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import DependencyUnavailable, PermanentError
from tasks.stores.dynamodb import DynamoTable
from tasks.stores.errors import (
    ItemRefused,
    StoreMisconfigured,
    StoreThrottled,
    StoreUnavailable,
    wrap_aws_errors,
)
from tasks.stores.typed_json import marshal, unmarshal
from tasks.stores.update_expression import UpdateExpression

values = st.recursive(
    st.one_of(st.text(), st.integers(-(10**30), 10**30), st.booleans(), st.decimals("-1e9", "1e9", places=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


def test_every_name_and_value_is_a_placeholder() -> None:
    """Attributes may have the names of DynamoDB's reserved words: `count`, `metrics`, `name`."""
    arguments = UpdateExpression().set({"name": "x"}).remove(["metrics"]).add("count", 1).arguments()
    assert arguments == {
        "UpdateExpression": "SET #name = :name REMOVE #metrics ADD #count :add_count",
        "ExpressionAttributeNames": {"#name": "name", "#metrics": "metrics", "#count": "count"},
        "ExpressionAttributeValues": {":name": {"S": "x"}, ":add_count": {"N": "1"}},
    }


def test_none_is_not_set() -> None:
    """None leaves the attribute as it is; false, 0 and empty text are values."""
    arguments = UpdateExpression().set({"a": None, "b": False, "c": 0, "d": ""}).arguments()
    assert arguments["UpdateExpression"] == "SET #b = :b, #c = :c, #d = :d"
    assert "#a" not in arguments["ExpressionAttributeNames"]


def test_values_are_left_out_where_there_are_none() -> None:
    """Without values the map of values is left out: DynamoDB refuses an empty one."""
    assert "ExpressionAttributeValues" not in UpdateExpression().remove(["dueAt"]).arguments()


def test_all_conditions_must_hold() -> None:
    """Each condition is in brackets: an OR in one does not extend to the next."""
    arguments = UpdateExpression().remove(["a"]).arguments("a OR b", "c")
    assert arguments["ConditionExpression"] == "(a OR b) AND (c)"
    assert "ConditionExpression" not in UpdateExpression().remove(["a"]).arguments()


def test_an_expression_goes_beside_plain_values() -> None:
    """An attribute that is computed from the item is set in the same update."""
    update = UpdateExpression().set({"a": 1})
    first = update.name("firstAt")
    update.set_expression(f"{first} = if_not_exists({first}, {update.value('now', 'x')})")
    assert update.arguments()["UpdateExpression"] == "SET #a = :a, #firstAt = if_not_exists(#firstAt, :now)"


@given(st.dictionaries(st.text(min_size=1), values, max_size=5))
def test_what_goes_in_comes_out(item: dict[str, object]) -> None:
    """Text, integers, decimals, lists and maps survive marshal and unmarshal."""
    assert unmarshal(marshal(item)) == item


@given(st.dictionaries(st.text(min_size=1), values | st.none() | st.sets(st.text()), max_size=5))
def test_typed_json_is_what_boto3_makes(item: dict[str, object]) -> None:
    """Every value has the type that boto3 gives it."""
    assert marshal(item) == {name: TypeSerializer().serialize(value) for name, value in item.items()}


@pytest.mark.parametrize("value", [0.5, 10**38 + 1, object()])
def test_what_dynamodb_cannot_hold_is_refused(value: object) -> None:
    """Floats, numbers of more than 38 digits and objects are refused at any depth."""
    with pytest.raises((TypeError, Inexact, Rounded)):
        marshal({"a": [{"b": value}]})


def refused(code: str, status: int = 400, message: str = "") -> ClientError:
    """Return the error that boto3 raises when AWS answers with this code."""
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
    """The error names the table and AWS's code, no content, and is permanent only where the item is at fault."""
    with pytest.raises(expected, match="table interactions") as caught, wrap_aws_errors("table interactions"):
        raise error
    assert type(caught.value) is expected
    assert isinstance(caught.value, PermanentError if expected is ItemRefused else DependencyUnavailable)
    assert "jane" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_other_errors_are_not_wrapped() -> None:
    """Only boto3's errors are wrapped."""
    with pytest.raises(KeyError), wrap_aws_errors("table interactions"):
        raise KeyError("x")


def test_numbers_are_exact() -> None:
    """A number of Genesys's arrives in DynamoDB digit for digit."""
    assert marshal({"mos": Decimal("4.8820000000000001")}) == {"mos": {"N": "4.8820000000000001"}}


class BatchWriter:
    """Takes at most `takes` items of each BatchWriteItem and gives the others back; notes the batches' sizes."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.sizes: list[int] = []
        self.written: list[str] = []

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's
        """Write some items."""
        (requests,) = RequestItems.values()
        self.sizes.append(len(requests))
        self.written += [each["PutRequest"]["Item"]["id"]["S"] for each in requests[: self.takes]]
        left = requests[self.takes :]
        return {"UnprocessedItems": {"names": left}} if left else {}


def test_many_items_are_written_until_none_is_left() -> None:
    """25 a request; what DynamoDB gives back is sent again, and each item is written once."""
    writer, ids = BatchWriter(takes=10), [str(number) for number in range(60)]
    DynamoTable(writer, "names", "id").put_many({"id": id_} for id_ in ids)  # type: ignore[arg-type]
    assert sorted(writer.written) == sorted(ids)
    assert writer.sizes == [25, 15, 5, 25, 15, 5, 10]


def test_items_that_are_never_taken_are_an_error() -> None:
    """A table that takes nothing is not asked for ever."""
    with pytest.raises(StoreUnavailable, match="names"):
        DynamoTable(BatchWriter(takes=0), "names", "id").put_many([{"id": "1"}])  # type: ignore[arg-type]
