"""Settings: an error names its variable, and no error shows a secret."""

from __future__ import annotations

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from pydantic import ValidationError

from tasks.errors import BadSettings, DependencyUnavailable
from tasks.genesys.rate_limit.limiter import PERMIT_TTL
from tasks.services import get_services
from tasks.settings import RENAMED, BlockNames, Settings, TaskPolicy, value_of

SECRET = "never-to-be-shown"
NEEDED = {
    "GENESYS_CLIENT_ID": "client",
    "GENESYS_CLIENT_SECRET": SECRET,
    "INTERACTION_TABLE": "interactions",
    "QUARANTINE_TABLE": "quarantine",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment with the required variables only."""
    for model in (Settings, TaskPolicy, BlockNames):
        for name in (*model.model_fields, "genesys_env"):
            monkeypatch.delenv(name.upper(), raising=False)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_only_four_variables_are_required() -> None:
    """Every other setting has a default."""
    found = Settings()
    assert (found.genesys_client_id, found.interaction_table) == ("client", "interactions")
    assert found.genesys_client_secret.get_secret_value() == SECRET
    assert list(found.deferral_delays) == [60, 120, 300, 900, 3600]
    assert (found.genesys_region, found.genesys_batch_size) == ("mypurecloud.com", 100)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    """A variable that is absent or empty is in the error by the name under which it is set."""
    if value is None:
        environment.delenv(name)
    else:
        environment.setenv(name, value)
    with pytest.raises(ValidationError, match=rf"(?m)^{name}$"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENESYS_BATCH_SIZE", "101"),
        ("GENESYS_READ_TIMEOUT", "0"),
        ("GENESYS_READ_TIMEOUT", "46"),
        ("GENESYS_CONNECT_TIMEOUT", "11"),
        ("GENESYS_MAX_WAIT", "-1"),
        ("STORE_CONCURRENCY", "many"),
        ("DEFERRAL_DELAYS", "60,soon"),
        ("DEFERRAL_DELAYS", "60,-1"),
        ("RETENTION_DAYS", "0"),
        ("QUEUE_IDS", "Support"),
        ("GENESYS_ORGANIZATION_ID", "Acme"),
        ("QUEUE_IDS", "90000000-0000-4000-8000-000000000001,nope"),
    ],
)
def test_a_bad_value_names_its_variable(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The error of a value out of bounds or of a wrong type has the variable's name."""
    environment.setenv(name, value)
    with pytest.raises(ValidationError, match=rf"(?m)^{name}\b"):
        Settings()


def test_a_request_is_over_before_its_permit_has_left_the_window(environment: pytest.MonkeyPatch) -> None:
    """Whatever its time-outs: a late answer moves a permit that is still there."""
    environment.setenv("GENESYS_CONNECT_TIMEOUT", "10")
    environment.setenv("GENESYS_READ_TIMEOUT", "45")
    found = Settings()
    assert PERMIT_TTL + found.genesys_connect_timeout + found.genesys_read_timeout < found.budget_window


def test_no_error_quotes_a_secret(environment: pytest.MonkeyPatch) -> None:
    """The secret is in no error of other variables, and in no text of the settings."""
    assert SECRET not in f"{Settings()!r} {Settings()}"
    for name in ("GENESYS_CLIENT_ID", "INTERACTION_TABLE", "QUARANTINE_TABLE"):
        environment.delenv(name)
    environment.setenv("STORE_CONCURRENCY", "x")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert SECRET not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("name", ["GENESYS_ENV", "GENESYS_REGION"])
def test_the_region_has_a_second_name(environment: pytest.MonkeyPatch, name: str) -> None:
    """GENESYS_ENV is an alias of GENESYS_REGION, which takes precedence."""
    environment.setenv("GENESYS_ENV", "usw2.pure.cloud")
    environment.setenv(name, "mypurecloud.de")
    assert Settings().genesys_region == "mypurecloud.de"


def test_lists_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    """Spaces and empty parts are ignored; an empty variable counts as absent."""
    environment.setenv("DEFERRAL_DELAYS", " 1, 2.5,,3 ")
    environment.setenv("QUEUE_IDS", "")
    assert Settings().deferral_delays == (1, 2.5, 3)
    assert Settings().queue_ids == ()


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_former_name_is_an_error_that_names_the_new_one(
    environment: pytest.MonkeyPatch, old: str, new: str
) -> None:
    """A variable under its former name fails the start; the error has the new name."""
    environment.setenv(old, "1")
    with pytest.raises(ValidationError, match=f"{old} is called {new} now: rename the variable"):
        Settings()
    assert new.lower() in Settings.model_fields


@pytest.mark.parametrize("model", [Settings, TaskPolicy, BlockNames])
def test_every_field_is_described(model: type[Settings]) -> None:
    """Each setting has a description; that of a time has its unit."""
    for name, field in model.model_fields.items():
        assert field.description, name
        if field.annotation is float and not name.endswith("_scale"):
            assert "second" in field.description.lower(), name


def test_a_block_that_cannot_be_used_reschedules_runs(environment: pytest.MonkeyPatch) -> None:
    """A setting that names an unusable block is BadSettings: runs wait for a worker with a right one."""
    environment.delenv("GENESYS_CLIENT_ID", raising=False)
    environment.setenv("GENESYS_CREDENTIALS_BLOCK", "secret/production")
    get_services.cache_clear()
    with pytest.raises(BadSettings, match="GENESYS_CREDENTIALS_BLOCK must name a block"):
        get_services()


def test_a_grace_in_which_a_save_may_be_at_work_reschedules_runs(environment: pytest.MonkeyPatch) -> None:
    """Publish would drop what a slow save has staged, and the row would name an object that is gone."""
    environment.setenv("STAGING_GRACE", "599")
    get_services.cache_clear()
    with pytest.raises(BadSettings, match="STAGING_GRACE must be at least twice TASK_TIMEOUT, 600 seconds"):
        get_services()


def test_a_server_that_does_not_answer_reschedules_runs(environment: pytest.MonkeyPatch) -> None:
    """Without an answer no block can be read: that is DependencyUnavailable, and no failure of the events."""
    environment.delenv("GENESYS_CLIENT_ID", raising=False)
    environment.setenv("GENESYS_CREDENTIALS_BLOCK", "genesys-credentials/production")
    get_services.cache_clear()
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}),
        pytest.raises(DependencyUnavailable, match="Prefect does not return a block"),
    ):
        get_services()


@pytest.mark.parametrize(
    ("own", "expected"), [("2", 2.0), (None, 60.0), ("", 60.0), ("often", 60.0), ("-1", 60.0)]
)
def test_one_setting_holds_though_another_is_wrong(
    environment: pytest.MonkeyPatch, own: str | None, expected: float
) -> None:
    """A run whose worker has a wrong setting goes back for as long as its own one says; a wrong one is its default."""
    environment.setenv("DEFERRAL_INTERVAL", "never")
    if own is not None:
        environment.setenv("STORE_RETRY_DELAY", own)
    with pytest.raises(ValidationError):
        Settings()
    assert value_of("store_retry_delay") == expected
