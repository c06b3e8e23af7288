"""The pure parts of the benchmark of cost: what is billed of a call, prices, the bill, and its chart."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks import cost_run, tables
from tests.benchmarks.aws_calls import describe, item_bytes, read_units, table_write_units
from tests.benchmarks.benchmark import Results
from tests.benchmarks.cost import Bill, CostLine, Unpriced, bill, fargate, price_table, quantities
from tests.benchmarks.cost_chart import cost_chart
from tests.benchmarks.targets import check_targets
from tests.support.benchmark_figures import rendered

ROOT = Path(__file__).parents[2]
INDEXES = {"rows": [["dueKey", "dueAt"]]}
ROW = {"id": {"S": "a" * 1100}, "dueKey": {"S": "x"}, "dueAt": {"S": "y"}}


def billed(*calls: dict[str, Any]) -> dict[str, float]:
    """Return what is billed of some calls, with a function of 512 MB on arm64."""
    return dict(quantities(calls, INDEXES, lambda_mb=512, architecture="arm"))


def test_an_item_is_as_large_as_dynamodb_says() -> None:
    """Names and values count; a number half a byte a digit, a list three bytes and one a member."""
    assert item_bytes({"id": {"S": "é"}}) == 4
    assert item_bytes({"n": {"N": "1234"}}) == 4
    assert item_bytes({"b": {"BOOL": True}}) == 2
    assert item_bytes({"l": {"L": [{"S": "ab"}, {"NULL": True}]}}) == 1 + 3 + 3 + 2
    assert item_bytes({"m": {"M": {"k": {"S": "v"}}}}) == 1 + 3 + 1 + 2


def test_a_write_costs_a_unit_for_each_kilobyte_of_each_index_that_has_it() -> None:
    """An index counts only for items that have all of its keys."""
    assert table_write_units(1024, ["id"], [["dueKey", "dueAt"]]) == 1
    assert table_write_units(1025, ["id"], [["dueKey", "dueAt"]]) == 2
    assert table_write_units(1025, ["id", "dueKey", "dueAt"], [["dueKey", "dueAt"]]) == 4


def test_a_read_costs_half_a_unit_unless_it_is_consistent() -> None:
    """Reading nothing costs as much as reading 4 KiB."""
    assert read_units(0, consistent=False) == 0.5
    assert read_units(4097, consistent=True) == 2


def test_a_batch_of_inserts_is_billed_by_its_items() -> None:
    """A statement's names and parameters are the item; retries of the call are billed again."""
    statement = """INSERT INTO "rows" VALUE {'id': ?, 'dueKey': ?, 'dueAt': ?}"""
    given = {"Statements": [{"Statement": statement, "Parameters": list(ROW.values())}] * 2}
    call = describe("dynamodb", "BatchExecuteStatement", given, {"ResponseMetadata": {"RetryAttempts": 1}})
    assert billed(call) == {"dynamodb-write-unit": 2 * 2 * 4, "dynamodb-read-unit": 0}


def test_a_batch_of_reads_is_billed_by_its_keys() -> None:
    """A key that has no item is billed as well."""
    given = {"RequestItems": {"rows": {"Keys": [{"id": {"S": str(each)}} for each in range(5)]}}}
    answer = {"Responses": {"rows": [{"id": {"S": "a" * 5000}}]}}
    assert billed(describe("dynamodb", "BatchGetItem", given, answer))["dynamodb-read-unit"] == 4 * 0.5 + 1.0


def test_a_refused_write_is_billed() -> None:
    """DynamoDB charges for a condition that does not hold."""
    refused = {"Error": {"Code": "ConditionalCheckFailedException"}}
    call = describe("dynamodb", "PutItem", {"TableName": "rows", "Item": ROW}, refused)
    assert billed(call)["dynamodb-write-unit"] == 4


def test_other_calls_are_billed_by_their_units() -> None:
    """SQS by 64 KiB, S3 by request and byte, Lambda by GB-seconds, Step Functions by transitions."""
    large = describe("sqs", "SendMessage", {"MessageBody": "x" * 70_000}, {})
    assert billed(large, describe("sqs", "DeleteMessageBatch", {"Entries": [{"Id": "0"}]}, {})) == {
        "sqs-request": 3
    }
    put = describe("s3", "PutObject", {"Body": BytesIO(b"x" * 1000)}, {})
    assert billed(put, describe("s3", "GetObject", {}, {}), describe("s3", "DeleteObjects", {}, {})) == {
        "s3-put": 1,
        "s3-gb-month": 1e-6,
        "s3-get": 1,
    }
    assert billed({"service": "lambda", "operation": "Invoke", "attempts": 1, "ms": 2000}) == {
        "lambda-request": 1,
        "lambda-arm-gb-second": 1.0,
    }
    assert billed({"service": "states", "operation": "Execution", "attempts": 1, "transitions": 4}) == {
        "step-functions-transition": 4
    }


def test_a_call_without_a_price_is_no_free_call() -> None:
    """A service that nobody priced stops the run instead of missing in the sum."""
    with pytest.raises(Unpriced, match="kinesis PutRecord"):
        billed(describe("kinesis", "PutRecord", {}, {}))


def test_a_bill_is_of_a_million() -> None:
    """A hundred transitions for ten interactions are ten million for a million: 250 dollars."""
    found = bill("some", 10, {"step-functions-transition": 100, "sqs-request": 0})
    assert found.lines == [CostLine("step-functions-transition", 10_000_000, 250.0)]
    assert found.by_service() == {"Step Functions": 250.0}
    assert fargate(3600, 2, vcpu=1, gb=2) == {"fargate-vcpu-hour": 2, "fargate-gb-hour": 4}


def test_the_prices_are_dated_and_have_sources() -> None:
    """Each price has a unit, a source, and says whether a stored public page confirmed it."""
    found = price_table()
    assert date.fromisoformat(found["date"])
    assert found["region"]
    for name, price in found["prices"].items():
        assert set(price) == {"usd", "per", "unit", "confirmed", "source"}, name
        assert price["source"].startswith("https://"), name


def test_the_sizes_are_those_of_the_templates() -> None:
    """The bridge's memory and architecture and the worker's task are what is deployed by default."""
    template, worker = ((ROOT / f"infra/{name}.yaml").read_text() for name in ("template", "worker"))
    assert f"MemorySize: {cost_run.BRIDGE_MB}\n" in template
    assert "Architectures: [arm64]" in template
    defaults = dict(
        re.findall(r'^  (Cpu|Memory):\n    Type: String\n    Default: "(\d+)"', worker, re.MULTILINE)
    )
    assert defaults == {"Cpu": f"{cost_run.TASK_VCPU * 1024:.0f}", "Memory": f"{cost_run.TASK_GB * 1024:.0f}"}


BILLS = [
    Bill("records <only>", 100, [CostLine("sqs-request", 1e6, 1.0), CostLine("fargate-vcpu-hour", 9.0, 2.0)]),
    Bill("the tutorial's", 100, [CostLine("step-functions-transition", 4e6, 100.0)]),
]


def test_the_chart_is_a_bar_for_each_bill_in_proportion() -> None:
    """The SVG is well-formed, has each sum, and no bar leaves the picture."""
    svg = cost_chart(BILLS, "us-east-1 & 2026")
    root = ET.fromstring(svg)  # noqa: S314 - our own
    width = float(root.attrib["viewBox"].split()[2])
    found = root.findall("{*}rect/{*}title/..")
    parts = [float(each.attrib["width"]) for each in found]
    assert parts[2] == pytest.approx(100 * parts[0], rel=0.02)
    assert max(float(each.attrib["x"]) + float(each.attrib["width"]) for each in found) < width
    texts = [each.text for each in root.findall("{*}text")]
    assert {"records <only>", "3.00", "100.00", "us-east-1 & 2026", "Step Functions"} <= set(texts)
    assert cost_chart(BILLS, "us-east-1 & 2026") == svg


def test_the_table_of_costs_fits() -> None:
    """A row for each price that was needed and one for the sum; a column for each pipeline."""
    lines = rendered(tables.cost(BILLS))
    assert max(map(len, lines)) <= tables.WIDTH
    assert lines[-1].split() == ["sum", "3.00", "100.00"]


def test_being_cheaper_than_the_tutorial_is_a_target() -> None:
    """The dearest of this pipeline's bills is compared, and the tutorial's is the last."""
    assert [each.reached for each in check_targets(Results(cost=BILLS))] == [True]
    assert [each.reached for each in check_targets(Results(cost=BILLS[::-1]))] == [False]
