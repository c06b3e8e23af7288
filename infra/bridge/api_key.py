"""The credentials of Prefect's API: read from Secrets Manager when first needed, and again when they are refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from errors import DeliveryHalted


class Credentials:
    """Makes the Authorization header. `read` returns the secret's text; None for an API without authentication."""

    def __init__(self, read: Callable[[], str] | None) -> None:
        self._read = read
        self._header: dict[str, str] | None = None

    @property
    def renewable(self) -> bool:
        """Whether there is a secret, which may have been rotated."""
        return self._read is not None

    def header(self) -> dict[str, str]:
        """Return the header, empty without a key; raise DeliveryHalted when the secret is malformed."""
        if self._header is None:
            self._header = _header(self._read()) if self._read else {}
        return self._header

    def forget(self) -> None:
        """Read the secret again for the next request."""
        self._header = None


def _header(secret: str) -> dict[str, str]:
    """Return the header for a plain API key, {"api_key": ...} or {"auth_string": "user:password"}."""
    fields = _fields(secret)
    if key := fields.get("api_key"):
        return {"Authorization": f"Bearer {_printable(key)}"}
    if pair := fields.get("auth_string"):
        encoded = base64.b64encode(_text(pair).encode()).decode("ascii")
        return {"Authorization": f"Basic {encoded}"}
    raise DeliveryHalted("secret-malformed")


def _fields(secret: str) -> dict[str, object]:
    if not secret.lstrip().startswith("{"):
        return {"api_key": secret}
    try:
        fields = json.loads(secret)
    except ValueError:
        # `from None`: the error's own text has the secret, and would be logged.
        raise DeliveryHalted("secret-malformed") from None
    return fields if isinstance(fields, dict) else {}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise DeliveryHalted("secret-malformed")
    return value


def _printable(key: object) -> str:
    """Return a key that is a valid header value; http.client would quote any other in its error."""
    text = _text(key).strip()
    if not (text.isascii() and text.isprintable() and text and " " not in text):
        raise DeliveryHalted("secret-malformed")
    return text
