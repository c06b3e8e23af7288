"""What can go wrong at AWS.

PipelineError
├── PermanentError
│   └── ItemRefused              this one item will never be accepted (too large, invalid)
└── NotReady
    └── StoreUnavailable         down, unreachable or answering 5xx: the run goes back and waits
        ├── StoreThrottled       too many writes for now
        └── StoreMisconfigured   no such table, no permission, a wrong clock: for a person to mend
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError

from tasks.errors import NotReady, PermanentError, PipelineError

StoreError = PipelineError

_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "ThrottlingException",
    "TransactionInProgressException",
}
_DOWN = {"InternalError", "InternalServerError", "ServiceUnavailable"}
# Only these speak of the item. Any other refusal (a clock that is wrong, a key that is disabled, no such table, a
# word that AWS says since yesterday) would strike every item alike, and is for a person to mend.
_OF_THE_ITEM = {
    "EntityTooLarge",
    "ItemCollectionSizeLimitExceededException",
    "KeyTooLongError",
    "ValidationException",
}
_OTHER_TABLE = "does not match the schema"  # of a ValidationException: this table has another key


class ItemRefused(PermanentError):
    """The store will never accept this item; `code` is AWS's word for why."""

    code = "item-refused"


class StoreUnavailable(NotReady):
    """The store did not answer, or answered that it cannot at the moment."""

    code = "store-unavailable"


class StoreThrottled(StoreUnavailable):
    """The store asks for fewer requests."""

    code = "store-throttled"


class StoreMisconfigured(StoreUnavailable):
    """It is not the item: a name, a permission, a clock is wrong; retried, because mending it loses nothing."""

    code = "store-misconfigured"


@contextmanager
def translated(resource: str) -> Iterator[None]:
    """Turn boto3's errors into ours, naming the resource and AWS's code, never an item's content."""
    try:
        yield
    except ClientError as error:
        raise _from_client_error(error, resource) from None
    except BotoCoreError as error:
        raise StoreUnavailable(f"{resource}: no answer from AWS ({type(error).__name__})") from None


def _from_client_error(error: ClientError, resource: str) -> PipelineError:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return StoreThrottled(f"{resource}: AWS asks for fewer requests ({code})")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _DOWN:
        return StoreUnavailable(f"{resource}: AWS answered {status} ({code})")
    if code in _OF_THE_ITEM and _OTHER_TABLE not in error.response.get("Error", {}).get("Message", ""):
        return ItemRefused(f"{resource}: AWS refuses the item ({code}); it has to be mended before a replay")
    return StoreMisconfigured(
        f"{resource}: {code}; check the name, the region, the worker's permissions and its clock"
    )
