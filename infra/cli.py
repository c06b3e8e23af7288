"""The command line: deploy, plan, rollback, outputs, delete, verify, redrive, replay, tombstones.

Every flag may also be an environment variable (INFRA_BUS, INFRA_QUEUE_ID, ...) or an entry of infra.toml in the
current folder (bus = "..."). AWS, Prefect and Genesys are configured by their own variables and files.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cyclopts import App, Parameter, config

from infra import output
from infra import tombstones as marks
from infra.archive_replay import Replay
from infra.dead_letters import DeadLetterQueue
from infra.errors import InfraError, InvalidInput, check_endpoints, explain
from infra.options import DeployOptions, StackTarget, check_bus, check_filter
from infra.prefect_api import Prefect
from infra.stack import kept
from infra.stack.bounds import check_bounds, check_times
from infra.stack.change_set import Plan, Stack
from infra.stack.delete import check_detached, delete_data, delete_stack, waiting_messages
from infra.stack.deploy import Deployment, checked_name
from infra.stack.destination import check_destination, check_plain_key
from infra.verify.check import CheckResult
from infra.verify.run import verify as run_checks

Options = Annotated[DeployOptions, Parameter(name="*")]
Target = Annotated[StackTarget, Parameter(name="*")]
Yes = Annotated[bool, Parameter(help="Do not ask for confirmation.", negative=())]
AsJson = Annotated[bool, Parameter("--json", help="As JSON.", negative=())]
WithData = Annotated[
    bool,
    Parameter(
        help="Delete the tables and the bucket, too; asks for confirmation even with --yes.", negative=()
    ),
]
Send = Annotated[
    bool,
    Parameter(
        help="Send a synthetic event from bus to table, if the bus accepts events of others than Genesys."
    ),
]
Wait = Annotated[float, Parameter(help="Seconds to wait for its row, in addition to the settle delay.")]
Rate = Annotated[float, Parameter(help="Most messages a second.")]
Skip = Annotated[
    list[str], Parameter(help="Resource that cannot be rolled back, by its logical id (repeatable).")
]
Archive = Annotated[
    str | None, Parameter(help="Archive that a change of the bus has left; by default the stack's.")
]
Source = Annotated[
    str,
    Parameter(
        "--from",
        help="Table, or file or folder of an export (with a slash, or ending in .json, .jsonl, .gz).",
    ),
]
Destination = Annotated[str, Parameter(help="Restored table, or a file to keep them in.")]
From = Annotated[datetime, Parameter("--from", help="Start of the interval; UTC without an offset.")]
To = Annotated[datetime | None, Parameter("--to", help="End of the interval; by default now.")]
DEFAULT_TARGET, AS_DEPLOYED = StackTarget(), DeployOptions()
NOTHING: list[str] = []

app = App(
    name="python -m infra",
    help="Genesys Cloud events from EventBridge to Prefect: deploy, verify, bring events back.",
    config=[
        config.Env("INFRA_", command=False),
        # One file for all commands: a command ignores the entries of others.
        config.Toml("infra.toml", use_commands_as_keys=False, allow_unknown=True),
    ],
    default_parameter=Parameter(negative_iterable=()),
    version_flags=(),
)


def session_of(target: StackTarget) -> boto3.Session:
    """Return the target's AWS session; raises InvalidInput for a bad AWS_ENDPOINT_URL."""
    check_endpoints()
    return boto3.Session(region_name=target.region, profile_name=target.profile)


def stack_of(target: StackTarget) -> Stack:
    """Return the target's stack."""
    client = session_of(target).client("cloudformation")
    # CloudFormation takes minutes and limits the request rate; an emulator does neither.
    poll = 2.0 if "amazonaws" in client.meta.endpoint_url else 0.1
    return Stack(client, checked_name(target.stack), poll)


@app.command
def deploy(
    options: Options = AS_DEPLOYED,
    target: Target = DEFAULT_TARGET,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Create or update the stack: show the changes, ask for confirmation, wait for the end."""
    output.words_aside(as_json=as_json)
    deployment = deployment_of(options, target)
    if not _removed(deployment.stack, yes):
        return 1
    _check_new(deployment, options)
    done = created = False
    for found in deployment.plans():
        output.show_plan(found)
        output.show_retention(deployment.values)
        # What follows a creation protects the new tables: it is a part of it.
        if not _agreed(deployment.stack, found, yes or created):
            return 1
        deployment.stack.execute(found, output.show_event)
        done, created = True, found.creates
    if as_json:
        output.write_json({"changed": done, "outputs": deployment.stack.outputs()})
    elif done:
        output.show_pairs(deployment.stack.outputs())
    else:
        output.console.print(f"Nothing changed: stack {target.stack} is up to date.")
    return 0


def _agreed(stack: Stack, found: Plan, yes: bool) -> bool:
    """Return whether the plan may be executed; it is discarded if not."""
    agreed = yes
    try:
        agreed = agreed or output.confirm(f"{'Create' if found.creates else 'Update'} stack {stack.name}?")
    finally:
        if not agreed:
            stack.discard(found.name)
    if not agreed:
        output.console.print("Not done.")
    return agreed


def _removed(stack: Stack, yes: bool) -> bool:
    """Delete a stack that can only be deleted, after asking; return whether none such is left."""
    if not (status := stack.unusable()):
        return True
    if not yes and not output.confirm(f"Stack {stack.name} is {status}. Delete it, and make it anew?"):
        output.console.print("Not done.")
        return False
    stack.delete(output.show_event)
    return True


def _check_new(deployment: Deployment, options: DeployOptions) -> None:
    """Raise InvalidInput when a new stack would have others in the place of the tables that a former one has kept."""
    name, values = deployment.stack.name, deployment.values
    if deployment.stack.describe():
        return
    if not options.new_tables:
        kept.check_forgotten(deployment.client, name, values)
    if values["KeptBucket"] and values["Analytics"] == "true":
        values["KeptDatabase"] = kept.kept_database(deployment.client, name)


@app.command
def plan(options: Options = AS_DEPLOYED, target: Target = DEFAULT_TARGET, *, as_json: AsJson = False) -> None:
    """Show what deploy would change, and change nothing."""
    output.words_aside(as_json=as_json)
    deployment = deployment_of(options, target)
    _check_new(deployment, options)
    found = deployment.plan(upload=False)
    output.tell(output.plan_as_json(found), as_json=as_json)
    if found is None:
        output.console.print(f"Nothing would change: stack {target.stack} is up to date.")
        return
    output.show_plan(found)
    output.show_retention(deployment.values)
    deployment.stack.discard(found.name)


@app.command
def rollback(
    target: Target = DEFAULT_TARGET, *, skip: Skip = NOTHING, yes: Yes = False, as_json: AsJson = False
) -> int:
    """Continue the rollback of an update that failed (UPDATE_ROLLBACK_FAILED), after its cause was corrected."""
    output.words_aside(as_json=as_json)
    stack = stack_of(target)
    if not yes and not output.confirm(f"Continue the rollback of stack {target.stack}?"):
        return 1
    stack.continue_rollback(skip, output.show_event)
    output.console.print(f"Stack {target.stack} is as it was before the update.")
    output.tell({"rolledBack": target.stack, "skipped": skip}, as_json=as_json)
    return 0


@app.command
def outputs(target: Target = DEFAULT_TARGET, *, as_json: AsJson = False) -> None:
    """Show the stack's outputs: names of tables, queues, bus, bucket."""
    found = stack_of(target).outputs()
    if as_json:
        output.console.print_json(json.dumps(found))
    else:
        output.show_pairs(found)


@app.command
def delete(
    target: Target = DEFAULT_TARGET,
    *,
    with_data: WithData = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Delete the stack, its bus and its archive; the tables, which are protected, and the bucket remain."""
    output.words_aside(as_json=as_json)
    stack, session = stack_of(target), session_of(target)
    check_detached(session, stack.outputs())
    if count := waiting_messages(session, stack.outputs()):
        output.console.print(f"[yellow]{count} messages in the queues will be lost.[/]")
    if not with_data:
        output.console.print("The tables (deletion protection is on) and the bucket are kept.")
    if not yes and not output.confirm(f"Delete stack {target.stack}, its event bus and archive included?"):
        return 1
    if with_data and not output.confirm("Delete every record and conversation for ever?", target.stack):
        return 1
    remaining = delete_stack(session, stack, output.show_event)
    if with_data:
        delete_data(session, remaining)
    output.tell({"deleted": target.stack, "remaining": {} if with_data else remaining}, as_json=as_json)
    if with_data:
        output.console.print("The data is deleted.")
        return 0
    output.console.print("These remain, outside any stack:")
    output.show_pairs(remaining)
    output.console.print(
        f"A new stack takes them over: deploy --interaction-table {remaining['InteractionTableName']} "
        f"--quarantine-table {remaining['QuarantineTableName']} "
        f"--conversation-bucket {remaining['ConversationBucketName']}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 0


@app.command
def verify(
    target: Target = DEFAULT_TARGET, *, as_json: AsJson = False, send: Send = True, wait: Wait = 180.0
) -> int:
    """Check every step of an event's way from Genesys to the table; exit code 1 when a check fails."""
    if not wait >= 0:  # nan, too
        raise InvalidInput(f"--wait is {wait:g}: at least 0 seconds")
    with output.errors.status("AWS identity") as status:

        def report(result: CheckResult) -> None:
            status.update(f"after {result.name}")
            if not as_json:
                output.show_check(result)

        results = run_checks(session_of(target), stack_of(target), send=send, wait=wait, report=report)
    if as_json:
        output.console.print_json(json.dumps([result.as_dict() for result in results]))
    return int(any(result.failed for result in results))


@app.command
def redrive(
    target: Target = DEFAULT_TARGET, *, yes: Yes = False, rate: Rate = 50.0, as_json: AsJson = False
) -> int:
    """Show why messages are in the dead-letter queue, and send them back to the buffer."""
    output.words_aside(as_json=as_json)
    if not rate > 0:  # nan, too
        raise InvalidInput(f"--rate is {rate:g}: more than 0 messages a second")
    dead_letters = DeadLetterQueue(session_of(target).client("sqs"), stack_of(target).outputs())
    total, reasons = dead_letters.look()
    found = {"total": total, "reasons": [asdict(reason) for reason in reasons]}
    if not total:
        output.console.print("There are no dead letters.")
        output.tell(found | {"sentBack": 0}, as_json=as_json)
        return 0
    output.show_reasons(total, reasons)
    if not yes and not output.confirm(f"Send {total} back to the buffer?"):
        return 1
    with output.progress("sent back", total) as advance:
        moved = dead_letters.redrive(rate, advance)
    output.console.print(f"{moved} sent back to the buffer.")
    output.tell(found | {"sentBack": moved}, as_json=as_json)
    return 0


@app.command
def replay(
    target: Target = DEFAULT_TARGET,
    *,
    start: From,
    end: To = None,
    archive: Archive = None,
    as_json: AsJson = False,
) -> int:
    """Replay archived events to this stack's rule only, and show the progress; Ctrl-C cancels the replay."""
    output.words_aside(as_json=as_json)
    stack = stack_of(target)
    run = Replay(session_of(target).client("events"), stack.outputs(), stack.poll)
    name = run.start(_utc(start), _utc(end or datetime.now(UTC)), archive)
    output.console.print(f"Replay {name}")
    try:
        state = run.follow(name, lambda line: output.console.print(f"  {line}"))
    except KeyboardInterrupt:
        run.cancel(name)
        output.console.print("Cancelled; events that were replayed already stay delivered.")
        return 130
    output.tell({"replay": name, "state": state}, as_json=as_json)
    return int(state != "COMPLETED")


@app.command
def tombstones(
    target: Target = DEFAULT_TARGET,
    *,
    source: Source,
    to: Destination,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Bring the tombstones of a table or an export into a restored table, or into a file."""
    output.words_aside(as_json=as_json)
    database = session_of(target).client("dynamodb")
    found = list(marks.read(database, source))
    output.console.print(f"{len(found)} tombstones in {source}", markup=False, highlight=False)
    told = {"found": len(found), "to": to}
    if marks.is_file(to):
        marks.save(found, Path(to))
        output.tell(told, as_json=as_json)
        return 0
    if found and not yes and not output.confirm(f"Put them into table {to}, in the place of its records?"):
        return 1
    done = marks.apply(database, found, to)
    output.console.print(f"{done.written} written, {done.stood} stood in {to} already", markup=False)
    output.tell(told | asdict(done), as_json=as_json)
    return 0


def deployment_of(options: DeployOptions, target: StackTarget) -> Deployment:
    """Return the deployment of these options; raises InvalidInput for options that cannot work."""
    stack, given = stack_of(target), options.parameters()
    former, session = stack.parameters(), session_of(target)
    if not former and (url := os.environ.get("PREFECT_API_URL")):
        # Only for a new stack: a shell that is set up for another server must not redirect the bridge.
        given.setdefault("PrefectApiUrl", url.rstrip("/"))
    deployment = Deployment(session, stack, given, tags=options.tag)
    values = deployment.values
    check_bounds(values)
    kept.check_kept(deployment.client, given, {} if stack.unusable() else former)
    if values["Bridge"] == "api-destination" and not values["DeploymentId"]:
        found = Prefect(values["PrefectApiUrl"]).deployment(values["DeploymentName"])
        values["DeploymentId"] = str(found["id"])
    check_destination(values)
    warnings = (
        *check_filter(values),
        *check_times(values),
        *check_bus(former, values),
        *check_plain_key(session, values),
    )
    for warning in warnings:
        output.console.print(warning, style="yellow", markup=False, highlight=False)
    if options.queue_id and options.filter_at == "fetch":
        output.console.print(f"Give the workers QUEUE_IDS={','.join(options.queue_id)}")
    return deployment


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def main(tokens: list[str] | None = None) -> int:
    """Run a command of `python -m infra` and return its exit code."""
    return run(app, tokens)


def run(commands: App, tokens: list[str] | None = None) -> int:
    """Run one of the commands and return its exit code; an expected failure prints one line, no traceback.

    The code is 2 for input that cannot work, 1 for any other failure.
    """
    output.words_aside(as_json=False)
    try:
        return int(commands(tokens, result_action="return_value") or 0)
    except BotoCoreError as error:
        explanation = explain(error)
        return _failed(str(explanation), 2 if explanation.bad_input else 1)
    except (InfraError, ClientError) as error:
        return _failed(str(error), 2 if isinstance(error, InvalidInput) else 1)


def _failed(text: str, code: int) -> int:
    output.errors.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
    return code
