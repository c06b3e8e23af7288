"""An unexpected error is told by its class, AWS's code and the place: its text may quote a person."""

from __future__ import annotations

import asyncio
import logging
import traceback
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError

from tasks.errors import InternalError, TransientError
from tasks.options import without_values
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.outcomes import OutcomeKind
from tasks.pipeline.work import InteractionWork, PipelineRun, ProcessedChunk
from tasks.pipeline.writer import ChunkWriter

PERSON = "Zephyrine Quibblesworth"
ID = "c0000000-0000-4000-8000-000000000001"


def aws_error() -> ClientError:
    """Return an error of AWS's whose message quotes an item."""
    error: Any = {"Error": {"Code": "ValidationException", "Message": f"value {PERSON} is not valid"}}
    return ClientError(error, "PutItem")


def pydantic_error() -> ValidationError:
    """Return an error that quotes its input."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_python({PERSON: PERSON})
    return caught.value


ERRORS = {
    "KeyError": KeyError(PERSON),
    "TypeError": TypeError(f"Unsupported type for value {PERSON}"),
    "ClientError (ValidationException)": aws_error(),
    "ValidationError": pydantic_error(),
    "ExceptionGroup of ValueError": ExceptionGroup(PERSON, [ValueError(PERSON)]),
}


@pytest.mark.parametrize("named", ERRORS)
async def test_a_task_raises_no_text_of_an_unexpected_error(named: str) -> None:
    """What Prefect logs of it (its repr, and its traceback with causes) and puts into the state has no value."""

    @without_values
    async def fails() -> None:
        error = ERRORS[named].with_traceback(None)
        error.__context__ = LookupError(PERSON)
        raise error

    with pytest.raises(InternalError) as caught:
        await fails()
    assert PERSON not in repr(caught.value)
    assert PERSON not in "".join(traceback.format_exception(caught.value))
    assert str(caught.value).startswith(f"{named} in fails, line ")


@pytest.mark.parametrize("error", [TransientError("later"), TimeoutError(), asyncio.CancelledError()])
async def test_an_expected_error_stays_as_it_is(error: BaseException) -> None:
    """Its text is our own, and its class decides whether the task tries again."""

    @without_values
    async def fails() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await fails()
    assert caught.value is error


def test_save_logs_no_text_of_an_unexpected_error(caplog: pytest.LogCaptureFixture) -> None:
    """The interaction fails, and the log names it with the class and the place."""

    def broken(*_: Any, **__: Any) -> None:
        raise TypeError(PERSON)

    table = SimpleNamespace(
        save=broken,
        defer=broken,
        is_erased=lambda _: False,
        remove_deferral=lambda *_: None,
        delete_placeholder=broken,
    )
    services: Any = SimpleNamespace(
        interactions=table, settings=None, staging=None, quarantine=SimpleNamespace(put=lambda *_: None)
    )
    processed = ProcessedChunk({}, frozenset())
    processed.add_other_queue(InteractionWork.requested(ID, "live", "e"), settled=True)
    write = ChunkWrite(processed)
    with caplog.at_level(logging.DEBUG):
        for call in ChunkWriter(services, PipelineRun("run"), write).writes():
            call()
    (outcome,) = write.outcomes[ID]
    assert outcome.kind is OutcomeKind.FAILED
    assert f"interaction {ID}: TypeError in broken, line " in caplog.text
    assert PERSON not in f"{caplog.text} {outcome}"
