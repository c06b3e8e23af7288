"""Whom a command is about: addresses become keys at the terminal, and no error repeats one."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from deployments.errors import BadValue
from deployments.subjects.erase import parameters
from deployments.subjects.subject import is_address, subject_of, subject_with
from tasks.records.customer_keys import CustomerKeys

SECRET = "a secret of thirty-two characters"
KEYS = CustomerKeys(SecretStr(SECRET))
ID = "7f3c2a10-1111-4222-8333-444455556666"
MAIL, PHONE = "Ada@Example.com", "+1 555 010 0001"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_KEYS_SECRET", SECRET)


def test_prefect_gets_keys_and_no_address() -> None:
    """All that is sent: ids, the contact's id, keys, why, and who is at the terminal."""
    subject = subject_of([ID.upper()], contact=" c-1 ", email=[MAIL], phone=[PHONE, PHONE])
    assert subject.customer_keys == (KEYS.of_email(MAIL), KEYS.of_phone(PHONE))
    sent = parameters(subject, dry_run=False, reason="TICKET-1")
    assert sent["interaction_ids"] == [ID]
    assert sent["external_contact_id"] == "c-1"
    assert sent["requested_by"]
    text = json.dumps(sent).lower()
    assert not any(part in text for part in ("ada@", "5550100001", "555 010"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MAIL, True),
        (PHONE, True),
        ("0171 2345678", True),
        (ID, False),
        (ID.upper(), False),
        ("nonsense", False),
    ],
)
def test_an_address_is_told_from_an_id(text: str, expected: bool) -> None:
    """A UUID is an id, also one that begins with a digit."""
    assert is_address(text) is expected
    if expected:
        assert subject_with(text).customer_keys


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"interaction_ids": [ID, "+15550100001"]}, "interaction id 2 is no UUID"),
        ({"email": ["nobody"]}, "no e-mail address"),
        ({"phone": ["12"]}, "no telephone number"),
        ({}, "nobody is named"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(given: dict[str, list[str]], words: str) -> None:
    """A mistyped address stays off the screen and out of logs."""
    with pytest.raises(BadValue, match=words) as caught:
        subject_of(**given)  # type: ignore[arg-type]
    assert "5550100001" not in str(caught.value)


@pytest.mark.parametrize(
    ("secret", "words"), [("", "CUSTOMER_KEYS_SECRET is not set"), ("short", "too short")]
)
def test_an_address_needs_the_secret(monkeypatch: pytest.MonkeyPatch, secret: str, words: str) -> None:
    """Ids and contacts are found without it."""
    monkeypatch.setenv("CUSTOMER_KEYS_SECRET", secret)
    assert subject_of([ID], contact="c-1")
    with pytest.raises(BadValue, match=words) as caught:
        subject_of(email=[MAIL])
    assert "short" not in str(caught.value).replace("too short", "")
