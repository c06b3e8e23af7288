"""The policy of whoever publishes and erases allows every call of these, and nothing else."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from tasks.lake.publishing.rebuilder import Rebuilder
from tasks.lake.publishing.reference_tables import replace_names
from tasks.lake.publishing.upkeep import keep_up
from tasks.stores import DirectoryEntry, NameKey
from tests.support.emulator import Emulator
from tests.support.lake import FEW, GRACE, AnalyticsWorld
from tests.support.permissions import Needed, allowed, matching, needed

WITH_A_KEY = {
    Needed("kms:Decrypt", "KmsKeyArn"),
    Needed("kms:GenerateDataKey", "KmsKeyArn"),
}
"""Only with a customer's key; S3 calls it for the worker."""


def calls_of(world: AnalyticsWorld) -> list[dict[str, Any]]:
    """Return a list to which each call of Glue and S3 from now on is added."""
    made: list[dict[str, Any]] = []

    def note(params: Any, model: Any, **_: object) -> None:
        service = model.service_model.signing_name
        made.append({"service": service, "operation": model.name, "parameters": dict(params)})

    for client in (world.glue, world.s3):
        events: Any = client.meta.events
        events.register("before-parameter-build", note)
    return made


def permissions_of(world: AnalyticsWorld) -> set[Needed]:
    """Return what making the tables, publishing, rebuilding, merging, expiring and erasing need."""
    calls = calls_of(world)
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    world.save(first)
    world.save(second)
    world.publish()
    world.save(first, minute=1)
    world.publish()
    rebuilder = Rebuilder(world.lake, world.interactions, FEW)
    days = rebuilder.days(date(2026, 3, 1), date(2026, 3, 5))
    assert days
    for day in days:
        rebuilder.rebuild(day)
    replace_names(world.lake, [DirectoryEntry(NameKey("queue", str(uuid.uuid4())), "Billing", 0)])
    keep_up(world.lake, days, GRACE)
    world.erase(first)
    names = {"glue": {world.name: "AnalyticsDatabase"}, "s3": {world.name: "ConversationBucket"}}
    found: set[Needed] = set().union(*(needed(call, names[call["service"]]) for call in calls))
    return {each for each in found if "/staging/" not in each.resource}  # the workers' own policy


def test_the_policy_is_exactly_what_publish_and_erase_call(aws: Emulator) -> None:
    """In a bucket with versions and in one without, each call is allowed; in one of them each permission is used."""
    pairs = {
        pair
        for versioned in (False, True)
        for pair in permissions_of(AnalyticsWorld(aws, FEW, versioned=versioned))
    }
    policy = allowed("PublishPolicy")
    assert sorted(pair for pair in pairs if not matching(pair, policy)) == []
    used = set().union(*(matching(pair, policy) for pair in pairs))
    assert sorted(policy - used - WITH_A_KEY) == []
