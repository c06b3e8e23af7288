"""Keys by which a customer's interactions are found: HMACs of e-mail addresses and telephone numbers.

A hash alone would be as good as the number: there are few enough numbers to try. So the key is a secret, and neither
a row nor a run's parameter says whose interactions they are.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from tasks.records.customer_addresses import normal_mail, normal_phone

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tasks.records.record import InteractionRecord

NO_ADDRESS = "none"
"""What a row's `customerKeys` holds of a conversation without an address: it was looked at."""


class CustomerKeys:
    """Makes keys with the secret CUSTOMER_KEYS_SECRET; rows and questions need the same one."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def of_record(self, record: InteractionRecord) -> set[str]:
        """Return what a row of this record holds as `customerKeys`; never nothing."""
        return {self._key(address) for address in record.customer_addresses} or {NO_ADDRESS}

    def of_email(self, address: str) -> str:
        """Return the key of an e-mail address. Raises ValueError, which does not repeat it."""
        if (normal := normal_mail(address)) is None:
            raise ValueError("that is no e-mail address, as in someone@example.com")
        return self._key(normal)

    def of_phone(self, number: str) -> str:
        """Return the key of a telephone number. Raises ValueError, which does not repeat it."""
        if (normal := normal_phone(number)) is None:
            raise ValueError(
                "that is no telephone number of 6 to 15 digits: give it with its country, as in +15550100"
            )
        return self._key(normal)

    def _key(self, address: str) -> str:
        return hmac.digest(self._secret.get_secret_value().encode(), address.encode(), "sha256").hex()
