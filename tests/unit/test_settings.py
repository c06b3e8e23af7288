"""The settings: every variable is named when it is wrong, and no value of a secret is ever shown."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tasks.settings import BlockNames, Settings, TaskPolicy

SECRET = "never-to-be-shown"
NEEDED = {
    "GENESYS_CLIENT_ID": "client",
    "GENESYS_CLIENT_SECRET": SECRET,
    "INTERACTION_TABLE": "interactions",
    "QUARANTINE_TABLE": "quarantine",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which exactly what is needed is set."""
    for model in (Settings, TaskPolicy, BlockNames):
        for name in (*model.model_fields, "genesys_env"):
            monkeypatch.delenv(name.upper(), raising=False)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_what_is_needed_is_enough() -> None:
    """Four variables; everything else has a default that fits production."""
    found = Settings()
    assert (found.genesys_client_id, found.interaction_table) == ("client", "interactions")
    assert found.genesys_client_secret.get_secret_value() == SECRET
    assert found.settle_delays == (60, 120, 300, 900, 3600)
    assert (found.genesys_region, found.genesys_batch_size) == ("mypurecloud.com", 100)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    """Not set, or set to nothing: the error has the variable's name as one would set it."""
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
        ("GENESYS_MAX_WAIT", "-1"),
        ("STORE_CONCURRENCY", "many"),
        ("SETTLE_DELAYS", "60,soon"),
        ("SETTLE_DELAYS", "60,-1"),
        ("RETENTION_DAYS", "0"),
        ("QUEUE_IDS", "Support"),
        ("QUEUE_IDS", "90000000-0000-4000-8000-000000000001,nope"),
    ],
)
def test_a_bad_value_names_its_variable(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value out of bounds or of another kind fails, by the variable's name."""
    environment.setenv(name, value)
    with pytest.raises(ValidationError, match=rf"(?m)^{name}\b"):
        Settings()


def test_no_error_repeats_a_secret(environment: pytest.MonkeyPatch) -> None:
    """Whatever else is missing or wrong, the secret is in no error, and in no text of the settings."""
    assert SECRET not in f"{Settings()!r} {Settings()}"
    for name in ("GENESYS_CLIENT_ID", "INTERACTION_TABLE", "QUARANTINE_TABLE"):
        environment.delenv(name)
    environment.setenv("STORE_CONCURRENCY", "x")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert SECRET not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("name", ["GENESYS_ENV", "GENESYS_REGION"])
def test_the_tutorials_name_of_the_region_is_taken_too(environment: pytest.MonkeyPatch, name: str) -> None:
    """GENESYS_ENV means what GENESYS_REGION means, which goes first where both are set."""
    environment.setenv("GENESYS_ENV", "usw2.pure.cloud")
    environment.setenv(name, "mypurecloud.de")
    assert Settings().genesys_region == "mypurecloud.de"


def test_lists_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    """Spaces and empty parts do no harm; a variable that is set to nothing is as if it were not set."""
    environment.setenv("SETTLE_DELAYS", " 1, 2.5,,3 ")
    environment.setenv("QUEUE_IDS", "")
    assert Settings().settle_delays == (1, 2.5, 3)
    assert Settings().queue_ids == ()


@pytest.mark.parametrize("model", [Settings, TaskPolicy, BlockNames])
def test_every_field_is_described(model: type[Settings]) -> None:
    """Each setting says what it is; one that is a time says in which unit."""
    for name, field in model.model_fields.items():
        assert field.description, name
        if field.annotation is float and not name.endswith("_scale"):
            assert "second" in field.description.lower(), name
