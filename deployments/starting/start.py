"""Starting runs of a deployment: what is wrong with the parameters is said before Prefect hears of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from deployments.errors import BadValue, NoDeployment
from tasks.errors import PermanentError
from tasks.values import chunked

MAX_INTERACTIONS = 5_000
"""Ids in one run: some 200 KB of parameters, of Prefect's 512 KB."""
_REPEATED = ("dry_run", "force", "tolerated_failures")


async def start(
    client: PrefectClient, deployment: str, parameters: Iterable[dict[str, Any]]
) -> list[FlowRun]:
    """Create a run for each of the parameters. Raises NoDeployment, and httpx's errors."""
    try:
        found = await client.read_deployment_by_name(deployment)
    except ObjectNotFound:
        raise NoDeployment(
            f"Prefect knows no deployment {deployment}: `interactions apply`, then `prefect deploy --all`"
        ) from None
    return [await client.create_flow_run_from_deployment(found.id, parameters=each) for each in parameters]


def ids_in(words: Sequence[str], file: Path | None, standard_input: Iterable[str]) -> list[str]:
    """Return the ids that a command line names: its words, `-` for those of standard input, and a file's.

    In a text ids are parted by blanks, commas or lines; `#` begins a comment. Raises BadValue for a file that cannot
    be read.
    """
    found: list[str] = []
    for word in words:
        found += _ids(standard_input) if word == "-" else [word]
    if file is not None:
        try:
            found += _ids(file.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise BadValue(f"--file {file}: cannot be read ({type(error).__name__})") from None
    return found


def _ids(lines: Iterable[str]) -> list[str]:
    return [word for line in lines for word in line.partition("#")[0].replace(",", " ").split()]


def replays(interaction_ids: Sequence[str], **options: Any) -> list[dict[str, Any]]:
    """Return the parameters of the runs that replay these interactions, or what else the options ask for.

    Raises BadValue for what makes no replay: which id is none, by its place and not by its text.
    """
    from tasks.operations.replay_request import ReplayRequest  # noqa: PLC0415 - boto3 is slow to import

    try:
        request = ReplayRequest.checked(interaction_ids=tuple(interaction_ids), **options)
    except PermanentError as error:
        raise BadValue(str(error)) from None
    given = {name: value for name, value in options.items() if value not in (None, False, "none")}
    parts = [{"interaction_ids": part} for part in chunked(request.interaction_ids, MAX_INTERACTIONS)] or [{}]
    return [
        {**part, **given} if number == 0 else part | _repeated(given) for number, part in enumerate(parts)
    ]


def _repeated(given: dict[str, Any]) -> dict[str, Any]:
    """Return what each of several runs needs; what is in quarantine is replayed by the first alone."""
    return {name: value for name, value in given.items() if name in _REPEATED}
