"""Every file, setting, parameter and name of code in a document exists, and the tables that must be whole are whole."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import product
from typing import Any

import pytest
from prefect.settings import Settings as PrefectSettings
from prefect.settings import get_current_settings
from pydantic_settings import BaseSettings

from deployments.automations import notifications, recovery
from deployments.recovery import RecoveryDelays
from deployments.resources import LIMITS, POOLS
from deployments.sandbox.environment import Addresses
from deployments.status.deferred import STEPS
from deployments.status.settings import StatusThresholds
from infra.stack.parameters import defaults
from tasks.settings import BlockNames, Settings, TaskPolicy
from tests.documents.markdown import DOCUMENTS, ROOT, Document, document, names, table
from tests.support.templates import read_template

FOLDERS = ("flows", "tasks", "deployments", "infra", "tests", "docs", ".ci")
PATH = re.compile(
    rf"(?:\./)?(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*{{}},-]*|[\w.-]+\.(?:md|toml|ya?ml|txt|in)"
)
VARIABLE = re.compile(r"(?<![$\w])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
CAMEL = re.compile(r"(?:[A-Z][a-z0-9]+){2,}")
MADE_LATER = {"infra.toml"}
OTHERS = {  # of Prefect's add-ons, of AWS and of the programs in the Makefile
    "DO_NOT_TRACK",
    "AWS_DEFAULT_REGION",
    "CAPABILITY_IAM",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "DYNAMODB_JSON",
    "ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "PYTHON_IMAGE",
    "TEST_SEED",
    "INFRA_BUS",
    "INFRA_QUEUE_ID",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_SERVICE_NAME",
    "PREFECT_REDIS_MESSAGING_HOST",
    "PREFECT_REDIS_MESSAGING_PORT",
    "PREFECT_REDIS_MESSAGING_DB",
}
WORDS_OF_OTHERS = {  # AWS's metrics and options, and Prefect's states
    "ApproximateAgeOfOldestMessage",
    "AwaitingRetry",
    "ImportExistingResources",
    "SecretStr",
}


@pytest.mark.parametrize("each", DOCUMENTS, ids=lambda each: each.name)
def test_every_file_exists(each: Document) -> None:
    """A path in code font is a file or a folder of the project; `*` and `{a,b}` stand for some."""
    paths = {span for span in each.spans if PATH.fullmatch(span)} - MADE_LATER
    assert [
        path for path in sorted(paths) if not all(any(ROOT.glob(p.rstrip("/"))) for p in _braces(path))
    ] == []


def _braces(path: str) -> list[str]:
    parts = [part.strip("{}").split(",") for part in re.split(r"(\{[^}]*\})", path)]
    return ["".join(choice) for choice in product(*parts)]


@pytest.mark.parametrize("each", DOCUMENTS, ids=lambda each: each.name)
def test_every_variable_exists(each: Document) -> None:
    """A name in capitals is a setting of ours, of Prefect's, or of a known other program, or a constant in the code."""
    assert set(VARIABLE.findall(each.text)) - _settings() - _prefect() - OTHERS - _constants() == set()


@cache
def _settings() -> set[str]:
    """Every variable of the workers, the commands, the bridge, and the sandbox's environment."""
    found = {
        name.upper()
        for each in (Settings, TaskPolicy, BlockNames, StatusThresholds)
        for name in each.model_fields
    }
    found |= {f"WORKER_{name.upper()}" for name in _worker().model_fields}
    found |= {name.upper() for name in Addresses.__dataclass_fields__}
    found |= {"INTERACTIONS_POOL", "PREFECT_API_URL", "PREFECT_API_KEY", "GENESYS_ENV"}
    bridge = (ROOT / "infra/bridge/configuration.py").read_text(encoding="utf-8")
    return found | set(re.findall(r'"([A-Z]+_[A-Z_]+)"', bridge))


def _worker() -> type[BaseSettings]:
    from deployments.worker.settings import WorkerSettings  # noqa: PLC0415 - a worker is heavy to import

    return WorkerSettings


@cache
def _prefect() -> set[str]:
    return set(get_current_settings().to_environment_variables(exclude_unset=False)) | _fields(
        PrefectSettings
    )


def _fields(model: type[Any], prefix: str = "PREFECT_") -> set[str]:
    """Return the variables of Prefect's settings, as their nested models name them."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and hasattr(inner, "model_fields"):
            found |= _fields(inner, f"{prefix}{name.upper()}_")
        else:
            found.add(f"{prefix}{name.upper()}")
        alias = field.validation_alias
        found |= {str(each).upper() for each in getattr(alias, "choices", []) if isinstance(each, str)}
    return found


@cache
def _trees() -> list[ast.Module]:
    folders = ("flows", "tasks", "deployments", "infra", "tests")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


@cache
def _constants() -> set[str]:
    """Return the names that are assigned in modules: a change's guide names some of them."""
    nodes = [node for tree in _trees() for node in tree.body]
    targets = [t for n in nodes if isinstance(n, ast.Assign) for t in n.targets]
    targets += [n.target for n in nodes if isinstance(n, ast.AnnAssign)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@cache
def _classes() -> set[str]:
    return {n.name for tree in _trees() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}


@cache
def _template() -> set[str]:
    templates = [read_template(name) for name in ("template.yaml", "worker.yaml")]
    return {
        name
        for each in templates
        for part in ("Parameters", "Resources", "Outputs")
        for name in each.get(part, ())
    }


@pytest.mark.parametrize("each", DOCUMENTS, ids=lambda each: each.name)
def test_every_name_exists(each: Document) -> None:
    """A CamelCase name is a class, a state, or a parameter, resource or output of a template."""
    states = {automation.name.partition(": ")[2] for automation in _automations()}
    words = {span for span in each.spans if CAMEL.fullmatch(span)}
    assert words - _template() - _classes() - states - WORDS_OF_OTHERS == set()


def _automations() -> list[Any]:
    from uuid import uuid4  # noqa: PLC0415

    return [*recovery(RecoveryDelays(), ["process-interactions"]), *notifications(uuid4())]


def test_parameters_that_are_set_exist() -> None:
    """What a document sets with --set is a parameter of the template."""
    given = {found for each in DOCUMENTS for found in re.findall(r"--set\.(\w+)", each.text)}
    assert given
    assert given <= set(defaults())


def test_the_defaults_of_the_knobs_are_the_real_ones() -> None:
    """The table's numbers are the template's, the settings' and apply's."""
    values, fields = defaults(), Settings.model_fields
    limits = {each.name: each.limit for each in LIMITS}
    minutes = ", ".join(f"{seconds // 60}" for seconds in fields["deferral_delays"].default)
    wanted = {
        "--set.BatchSize": f"{values['BatchSize']}, {values['BatchWindowSeconds']} s",
        "--set.MaximumConcurrency": values["MaximumConcurrency"],
        "--set.MaxWaitingRuns": values["MaxWaitingRuns"],
        "--settle-seconds": f"{values['SettleSeconds']} s",
        "live": ", ".join(str(queue.limit) for queue in POOLS[0].queues),
        "CHUNKS_IN_FLIGHT": str(fields["chunks_in_flight"].default),
        "CHUNKS_WRITTEN": str(fields["chunks_written"].default),
        "STORE_CONCURRENCY": str(fields["store_concurrency"].default),
        "store-writes": str(limits["store-writes"]),
        "genesys-requests": f"{limits['genesys-requests']}, {limits['genesys-requests-background']}",
        "DEFERRAL_DELAYS": f"{minutes} min; {_hours('deferral_interval')} h; {_hours('deferral_limit')} h",
        "CONFIRM_AFTER": f"{fields['confirm_after'].default // 60} min",
    }
    rows = {names(row[0])[0]: row[1] for row in table(document("scaling").section("What can be turned"))}
    assert {knob: rows.get(knob) for knob in wanted} == wanted


def test_how_long_events_wait_is_what_the_template_says() -> None:
    """The buffer keeps messages for 14 days, and gives one up after 50 hours of refusals."""
    buffer = read_template("template.yaml")["Resources"]["Buffer"]["Properties"]
    assert buffer["MessageRetentionPeriod"] == 14 * 24 * 3600
    given = defaults()
    assert int(given["MaxReceiveCount"] or 0) * int(given["VisibilitySeconds"] or 0) == 50 * 3600
    for name in ("README", "operations", "scaling"):
        assert "14 days" in document(name).text
        assert "50 hours" in document(name).text


def _hours(field: str) -> int:
    return int(Settings.model_fields[field].default // 3600)


def test_whoever_is_on_call_finds_every_alarm_and_every_notification() -> None:
    """Operations names each alarm of the template and each automation."""
    operations = set(document("operations").spans)
    alarms = {
        n
        for n, r in read_template("template.yaml")["Resources"].items()
        if r["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert alarms <= operations
    assert {each.name for each in _automations()} <= operations


def test_the_runbook_has_a_section_for_every_finding() -> None:
    """Each code that `interactions status` can name is a heading, with what it means and what to do; and no other."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "deployments/status").glob("*.py"))
    codes = set(re.findall(r'Finding\(\s*"([a-z-]+)"', text))
    codes |= {f"deferred-{reason.value}" for reason in STEPS} | {"quarantine-failed", "quarantine-rejected"}
    operations = document("operations")
    runbook = operations.text.split("## What status names\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^### (.+)$", runbook, re.MULTILINE)) == codes
    for code in codes:
        assert {"**Means**", "**Do**"} <= set(re.findall(r"\*\*\w+\*\*", operations.section(code))), code


def test_operations_explains_every_code() -> None:
    """Each code that an error, a rejection or the bridge can have is named, and no other."""
    codes = {*_codes("tasks"), *_codes("flows")} - {"error", "genesys-error", "throttled", "unavailable"}
    rejected = _keys("tasks/events/rejection.py")
    halted = set(re.findall(r'DeliveryHalted\(\s*"([a-z-]+)"', _bridge()))
    spans = set(document("operations").spans)
    asked_wrongly = {"invalid-request", "invalid-interval"}
    assert (codes | rejected | halted) - asked_wrongly <= spans, (codes | rejected | halted) - spans


def _codes(folder: str) -> set[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py"))
    return set(re.findall(r'^    code = "([a-z-]+)"', text, re.MULTILINE))


def _keys(path: str) -> set[str]:
    return set(re.findall(r'^    "([a-z-]+)":', (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))


def _bridge() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra/bridge").glob("*.py"))


def test_security_names_every_field_that_travels() -> None:
    """The allow-list in the document is the bridge's."""
    section = document("security").section("What travels to Prefect")
    fields = re.findall(
        r'EventField\("([\w-]+)"', (ROOT / "infra/bridge/fields.py").read_text(encoding="utf-8")
    )
    assert [name for name in fields if f"`{name}`" not in section] == []


def test_every_guarantee_names_what_shows_it() -> None:
    """Each row of the table ends with a test, a folder of tests, or a program."""
    rows = table(Document("docs/guarantees.md").text)
    assert rows
    assert [
        row[0] for row in rows if not any(n.startswith(("tests/", "make ")) for n in names(row[-1]))
    ] == []
