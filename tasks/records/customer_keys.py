"""The customer's e-mail addresses and telephone numbers in a conversation, and the keys by which they are found.

An address has one spelling: `mailto:` and the address in lower case, or `tel:` and digits alone. Only HMACs of them are
stored, outside the record's content. A hash alone would be as good as the number: there are few enough numbers to
try. So the key is a secret, and neither a row nor a run's parameter says whose interactions they are.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from tasks.records.json_values import text
from tasks.records.sessions import CUSTOMER_PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import SecretStr

    from tasks.records.record import InteractionRecord
    from tasks.records.sessions import Session, SortKey

_PART = r"[^\s<>()\[\],;:\"]"
_MAIL = re.compile(rf"(?<!{_PART})({_PART}{{1,64}})@(\w[\w.-]{{0,254}})(?![\w.-])")
_IN_ANGLE_BRACKETS = re.compile(r"<([^<>]*)>")
_SCHEME = re.compile(r"(?:tel|sips?|sms):", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s().\-/\u00a0]+")
_NUMBER = re.compile(r"\+?(?:00)?([1-9]\d{5,14}|0\d{5,14})")  # E.164 has 15 digits at most
NO_ADDRESS = "none"
"""What a row's `customerKeys` holds of a conversation without an address: it was looked at."""


def mail_address(given: object) -> str | None:
    """Return the first e-mail address in a text as it stands there; one in angle brackets goes before a name."""
    whole = text(given) or ""
    found = (_MAIL.search(part) for part in (*_IN_ANGLE_BRACKETS.findall(whole), whole))
    parts = ((each.group(1).lstrip("'."), each.group(2).rstrip(".-")) for each in found if each)
    return next((f"{local}@{domain}" for local, domain in parts if local), None)


def normal_mail(given: object) -> str | None:
    """Return `mailto:` and the e-mail address in a text, in lower case; None without one."""
    address = mail_address(given)
    return f"mailto:{address.casefold()}" if address else None


def normal_phone(given: object) -> str | None:
    """Return `tel:` and the digits of a number: without scheme, host, extension, separators, `+` or leading `00`.

    None for a text that is no number of 6 to 15 digits. A number without its country stays without: it is found as
    Genesys has it.
    """
    whole = text(given) or ""
    scheme = _SCHEME.match(whole)
    number = re.split(r"[;@?]", whole[scheme.end() :] if scheme else whole, maxsplit=1)
    if len(number) > 1 and not scheme:
        return None  # an e-mail address of digits is none
    found = _NUMBER.fullmatch(_SEPARATORS.sub("", number[0]))
    return f"tel:{found.group(1)}" if found else None


def customer_addresses(
    customer: Iterable[Session], sessions: Iterable[Session], originating: str | None
) -> frozenset[str]:
    """Return the addresses of the customer's sessions, never one of the centre's own.

    They are the customer's end of each: the origin of an inbound session, the destination of an outbound one; where
    two sessions differ about an address, the earlier decides. The numbers of callbacks are the customer's.
    """
    sides: dict[
        str, tuple[SortKey, bool]
    ] = {}  # whose each address is: its earliest session, then the centre's or not
    for session in customer:
        inbound = (session.direction or originating) != "outbound"
        for names, is_own in ((("ani", "addressFrom"), not inbound), (("dnis", "addressTo"), inbound)):
            for address in _ends(session, *names):
                side = (session.sort_key, is_own)
                sides[address] = min(side, sides.get(address, side))
    theirs = {address for address, (_, is_own) in sides.items() if not is_own}
    own: set[str] = set()
    for session in sessions:
        theirs.update(_callback_numbers(session))
        if session.purpose not in CUSTOMER_PURPOSES:
            own |= _ends(session, "addressSelf")
    return frozenset(theirs - own)


def _ends(session: Session, *names: str) -> set[str]:
    """Return the addresses in some fields of a session, whatever kind each of them is."""
    given = [session.fields.get(name) for name in names]
    return {address for value in given if (address := normal_phone(value) or normal_mail(value))}


def _callback_numbers(session: Session) -> Iterator[str]:
    numbers = session.fields.get("callbackNumbers")
    for each in numbers if isinstance(numbers, list) else ():
        if number := normal_phone(each):
            yield number


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
