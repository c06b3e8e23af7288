"""The command line: deploy, plan, outputs, delete, verify, redrive, replay.

Every flag can come from the environment too (INFRA_BUS, INFRA_QUEUE_ID, ...) or from infra.toml in the
current folder (bus = "..."); AWS, Prefect and Genesys are found as their own tools find them.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Annotated

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cyclopts import App, Parameter, config

from infra import archive, display, redriving, removal, verification
from infra.aws_errors import check_endpoints, meaning
from infra.choices import Choices, Place, check_destination, check_filter
from infra.deployment import Deployment, checked_name
from infra.errors import InfraError, InvalidInput
from infra.prefect import Prefect
from infra.stack import Stack

Chosen = Annotated[Choices, Parameter(name="*")]
At = Annotated[Place, Parameter(name="*")]
Yes = Annotated[bool, Parameter(help="Do not ask.", negative=())]
AsJson = Annotated[bool, Parameter("--json", help="As JSON.", negative=())]
WithData = Annotated[
    bool,
    Parameter(help="Delete the tables and the bucket, too; asks in any case, even with --yes.", negative=()),
]
Send = Annotated[
    bool,
    Parameter(help="Send a synthetic event from bus to table, where others than Genesys may put events."),
]
Wait = Annotated[float, Parameter(help="Seconds to wait for its row, beyond the settle delay.")]
Rate = Annotated[float, Parameter(help="Messages a second.")]
From = Annotated[datetime, Parameter("--from", help="The first moment; UTC unless it says otherwise.")]
To = Annotated[datetime | None, Parameter("--to", help="The last moment; now unless given.")]
HERE, AS_DEPLOYED = Place(), Choices()

app = App(
    name="python -m infra",
    help="Genesys Cloud events from EventBridge to Prefect: deploy it, prove it works, bring events back.",
    config=[
        config.Env("INFRA_", command=False),
        # One file for all commands: each takes what it knows.
        config.Toml("infra.toml", use_commands_as_keys=False, allow_unknown=True),
    ],
    default_parameter=Parameter(negative_iterable=()),
    version_flags=(),
)


def session_of(place: Place) -> boto3.Session:
    """Return boto3's session for the place; raises InvalidInput when a variable gives AWS no usable address."""
    check_endpoints()
    return boto3.Session(region_name=place.region, profile_name=place.profile)


def stack_of(place: Place) -> Stack:
    """Return the place's stack."""
    client = session_of(place).client("cloudformation")
    # AWS is slow and counts requests; an emulator is and does neither.
    poll = 2.0 if "amazonaws" in client.meta.endpoint_url else 0.1
    return Stack(client, checked_name(place.stack), poll)


@app.command
def deploy(choices: Chosen = AS_DEPLOYED, place: At = HERE, *, yes: Yes = False) -> int:
    """Create or update the stack: shows what would change, asks, waits."""
    deployment = deployment_of(choices, place)
    found = deployment.plan()
    if found is None:
        display.console.print(f"Nothing changed: stack {place.stack} is as asked for.")
        return 0
    display.show_plan(found)
    if not yes and not display.confirm(f"{'Create' if found.creates else 'Update'} stack {place.stack}?"):
        deployment.stack.discard(found.name)
        display.console.print("Not done.")
        return 1
    deployment.stack.execute(found, display.show_step)
    display.show_pairs(deployment.stack.outputs())
    return 0


@app.command
def plan(choices: Chosen = AS_DEPLOYED, place: At = HERE) -> None:
    """Show what deploy would change, and change nothing (the bridge's zip file is uploaded for it)."""
    deployment = deployment_of(choices, place)
    found = deployment.plan()
    if found is None:
        display.console.print(f"Nothing would change: stack {place.stack} is as asked for.")
        return
    display.show_plan(found)
    deployment.stack.discard(found.name)


@app.command
def outputs(place: At = HERE, *, as_json: AsJson = False) -> None:
    """Show the stack's outputs: names of tables, queues, bus, bucket."""
    found = stack_of(place).outputs()
    if as_json:
        display.console.print_json(json.dumps(found))
    else:
        display.show_pairs(found)


@app.command
def delete(place: At = HERE, *, with_data: WithData = False, yes: Yes = False) -> int:
    """Delete the stack; the tables of records and the bucket stay."""
    stack, session = stack_of(place), session_of(place)
    if count := removal.waiting(session, stack.outputs()):
        display.console.print(f"[yellow]{count} messages wait in the queues and will be lost.[/]")
    if not yes and not display.confirm(f"Delete stack {place.stack}, its event bus and archive included?"):
        return 1
    if with_data and not display.confirm("Delete every record and conversation for ever?", place.stack):
        return 1
    left = removal.remove(stack, display.show_step)
    if with_data:
        removal.remove_data(session, left)
        display.console.print("The data is deleted.")
        return 0
    display.console.print("Kept, and part of no stack any more:")
    display.show_pairs(left)
    return 0


@app.command
def verify(place: At = HERE, *, as_json: AsJson = False, send: Send = True, wait: Wait = 180.0) -> int:
    """Prove the path from Genesys to the table; exit code 1 when a check fails."""
    with display.errors.status("AWS identity") as status:
        results = verification.verify(
            session_of(place),
            stack_of(place),
            send=send,
            wait=wait,
            report=lambda r: status.update(f"after {r.name}"),
        )
    if as_json:
        display.console.print_json(json.dumps([result.as_dict() for result in results]))
    else:
        display.show_checks(results)
    return int(any(result.failed for result in results))


@app.command
def redrive(place: At = HERE, *, yes: Yes = False, rate: Rate = 50.0) -> int:
    """Bring dead letters back to the buffer, after a look at them."""
    letters = redriving.DeadLetterBox(session_of(place).client("sqs"), stack_of(place).outputs())
    total, reasons = letters.look()
    if not total:
        display.console.print("There are no dead letters.")
        return 0
    display.show_reasons(total, reasons)
    if not yes and not display.confirm(f"Send {total} back to the buffer?"):
        return 1
    with display.progress("sent back", total) as advance:
        moved = letters.redrive(rate, advance)
    display.console.print(f"{moved} sent back to the buffer.")
    return 0


@app.command
def replay(place: At = HERE, *, start: From, end: To = None) -> int:
    """Replay archived events to this stack's rule alone, and watch it; Ctrl-C cancels the replay."""
    stack = stack_of(place)
    run = archive.Replay(session_of(place).client("events"), stack.outputs(), stack.poll)
    name = run.start(_utc(start), _utc(end or datetime.now(UTC)))
    display.console.print(f"Replay {name}")
    try:
        state = run.follow(name, lambda line: display.console.print(f"  {line}"))
    except KeyboardInterrupt:
        run.cancel(name)
        display.console.print("Cancelled; what was replayed so far stays replayed.")
        return 130
    return int(state != "COMPLETED")


def deployment_of(choices: Choices, place: Place) -> Deployment:
    """Return what is wanted, completed from what is deployed; raises InvalidInput when it cannot work."""
    stack, given = stack_of(place), choices.parameters()
    if not stack.parameters() and (url := os.environ.get("PREFECT_API_URL")):
        # Only the first time: a terminal that talks to another Prefect must not turn the bridge to it.
        given.setdefault("PrefectApiUrl", url.rstrip("/"))
    deployment = Deployment(session_of(place), stack, given, tags=choices.tag)
    values = deployment.values
    if values["Bridge"] == "api-destination" and not values["DeploymentId"]:
        found = Prefect(values["PrefectApiUrl"]).deployment(values["DeploymentName"])
        values["DeploymentId"] = str(found["id"])
    check_destination(values)
    for warning in check_filter(values):
        display.console.print(f"[yellow]{warning}[/]")
    if choices.queue_id and choices.filter_at == "fetch":
        display.console.print(f"Give the workers QUEUE_IDS={','.join(choices.queue_id)}")
    return deployment


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def main(tokens: list[str] | None = None) -> int:
    """Run a command and return its exit code; an expected failure is a line, not a traceback.

    2 when what was given cannot work, 1 when something else failed.
    """
    try:
        return int(app(tokens, result_action="return_value") or 0)
    except BotoCoreError as error:
        means = meaning(error)
        return _failed(str(means), 2 if means.ours else 1)
    except (InfraError, ClientError) as error:
        return _failed(str(error), 2 if isinstance(error, InvalidInput) else 1)


def _failed(text: str, code: int) -> int:
    display.errors.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
    return code
