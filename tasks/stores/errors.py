"""Errors of AWS's stores; the tree is drawn in tasks/errors.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError

from tasks.errors import DependencyUnavailable, PermanentError, PipelineError

_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "ThrottlingException",
    "TransactionInProgressException",
}
_DOWN = {"InternalError", "InternalServerError", "ServiceUnavailable"}
# Only these codes are about the item. Any other (a wrong clock, a disabled key, no such table, a code that is new)
# would refuse every item, and a person has to correct the cause.
_OF_THE_ITEM = {
    "EntityTooLarge",
    "ItemCollectionSizeLimitExceededException",
    "KeyTooLongError",
    "ValidationException",
}
_OTHER_TABLE = "does not match the schema"  # in a ValidationException: the table has another key


class ItemRefused(PermanentError):
    """The store will never accept this item; the message has AWS's code for why."""

    code = "item-refused"


class StoreUnavailable(DependencyUnavailable):
    """The store did not answer, or answered with a 5xx."""

    code = "store-unavailable"


class StoreThrottled(StoreUnavailable):
    """The store asks for fewer requests."""

    code = "store-throttled"


class StoreMisconfigured(StoreUnavailable):
    """A name, a permission or a clock is wrong; retried, because every item is refused until that is corrected."""

    code = "store-misconfigured"


@contextmanager
def wrap_aws_errors(resource: str) -> Iterator[None]:
    """Raise boto3's errors as StoreUnavailable or ItemRefused, with the resource and AWS's code, without content."""
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
        return ItemRefused(f"{resource}: AWS refuses the item ({code}); correct its cause before a replay")
    return StoreMisconfigured(
        f"{resource}: {code}; check the name, the region, the worker's permissions and its clock"
    )
