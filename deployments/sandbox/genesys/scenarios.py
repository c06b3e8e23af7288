"""Scenarios: the ways a conversation can go, from a plain queue call to a mail thread that comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.sandbox.genesys.customers import arrive, leave, reconnect
from deployments.sandbox.genesys.organization import CAMPAIGNS, CONTACT_LISTS, QUEUES, USERS
from deployments.sandbox.genesys.scene import Scene, Stay, attend, menu, metric, queued, segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.scene import Json

HOUR_S = 3600
RECONNECTED_PERCENT = 12  # of those who write


def queue_call(scene: Scene) -> None:
    """Menu, queue, one agent: what most calls are."""
    customer, queue = arrive(scene), scene.draws.pick(QUEUES)
    menu(scene)
    queued(scene, queue)
    attend(scene, scene.draws.pick(USERS), queue, Stay(disconnect="peer"))
    leave(scene, customer, "endpoint")


def abandoned_call(scene: Scene) -> None:
    """The customer gives up in the queue: no agent at all."""
    customer = arrive(scene)
    menu(scene)
    queued(scene, scene.draws.pick(QUEUES), answered=False)
    leave(scene, customer, "endpoint")


def self_service(scene: Scene) -> None:
    """The menu was enough: neither a queue nor an agent."""
    customer = arrive(scene)
    menu(scene, "peer")
    scene.extras["selfServed"] = True
    leave(scene, customer, "endpoint")


def blind_transfer(scene: Scene) -> None:
    """The first agent sends the customer to another queue: two queues, two agents."""
    customer = arrive(scene)
    first, second = QUEUES[scene.draws.below(3)], QUEUES[3 + scene.draws.below(3)]
    menu(scene)
    queued(scene, first)
    moved = Stay(high=200, disconnect="transfer", transfer="nBlindTransferred")
    attend(scene, USERS[scene.draws.below(20)], first, moved)
    queued(scene, second)
    attend(scene, USERS[20 + scene.draws.below(20)], second, Stay(disconnect="peer"))
    leave(scene, customer, "endpoint")


def consult_transfer(scene: Scene) -> None:
    """The agent asks a colleague first, then hands over."""
    customer, queue = arrive(scene), scene.draws.pick(QUEUES)
    queued(scene, queue)
    moved = Stay(disconnect="consultTransfer", transfer="nConsultTransferred")
    attend(scene, USERS[scene.draws.below(20)], queue, moved)
    _consult(scene, scene.participants[-1], scene.now - 10_000)
    attend(scene, USERS[20 + scene.draws.below(20)], None, Stay(disconnect="peer", purpose="user"))
    leave(scene, customer, "endpoint")


def _consult(scene: Scene, agent: Json, began: int) -> None:
    """Add the agent's call to the colleague: a second session."""
    session, spent = scene.session(agent, direction="outbound"), scene.now - began
    session["segments"].append(segment("interact", began, scene.now, disconnectType="transfer"))
    session["metrics"] += [metric("nConsult", 1, began), metric("tTalk", spent, scene.now)]
    session["metrics"].append(metric("tTalkComplete", spent, scene.now))


def conference(scene: Scene) -> None:
    """An agent brings in somebody from outside."""
    customer, queue = arrive(scene), scene.draws.pick(QUEUES)
    menu(scene)
    queued(scene, queue)
    outsider = scene.enter("external", participantName=f"Dr. {scene.person.name[::-1].title()}")
    joined = scene.now + 20_000
    attend(scene, scene.draws.pick(USERS), queue, Stay(low=60, conference=True, disconnect="peer"))
    session = scene.session(
        outsider, direction="outbound", dnis=f"tel:+1303{scene.draws.below(10_000_000):07d}"
    )
    talk = segment("interact", joined, scene.now, disconnectType="endpoint") | {"conference": True}
    session["segments"].append(talk)
    leave(scene, customer, "conferenceTransfer")


def direct_call(scene: Scene) -> None:
    """A call to an extension: a user, no queue, no wrap-up."""
    customer = arrive(scene, "external")
    attend(scene, scene.draws.pick(USERS), None, Stay(purpose="user", wrap_up=False, disconnect="peer"))
    leave(scene, customer, "endpoint")


def no_answer(scene: Scene) -> None:
    """The first agent lets it ring; the second one answers. Two agents, one queue."""
    customer, queue = arrive(scene), scene.draws.pick(QUEUES)
    menu(scene)
    queued(scene, queue)
    attend(scene, USERS[scene.draws.below(20)], queue, Stay(answers=False))
    queued(scene, queue)
    attend(scene, USERS[20 + scene.draws.below(20)], queue, Stay(disconnect="client"))
    leave(scene, customer, "peer")


def outbound_call(scene: Scene) -> None:
    """An agent calls somebody on behalf of a queue."""
    scene.direction = "outbound"
    queue = scene.draws.pick(QUEUES)
    customer = arrive(scene, "external")
    attend(scene, scene.draws.pick(USERS), queue, Stay(disconnect="client"))
    leave(scene, customer, "peer")


def campaign_call(scene: Scene) -> None:
    """The dialer calls a contact of a campaign's list."""
    scene.direction = "outbound"
    campaign, queue = scene.draws.below(len(CAMPAIGNS)), scene.draws.pick(QUEUES)
    dialed = {
        "outboundCampaignId": CAMPAIGNS[campaign].id,
        "outboundContactListId": CONTACT_LISTS[campaign].id,
        "outboundContactId": scene.draws.uuid(),
    }
    customer = arrive(scene)
    customer |= dialed | {"dispositionName": "disposition.classification.callable.person"}
    attend(scene, scene.draws.pick(USERS), queue, Stay(disconnect="client", extra=dialed))
    leave(scene, customer, "peer")


def callback(scene: Scene) -> None:
    """A caller asks to be called back, and is: three sessions in two media, two of them the customer's."""
    caller, queue = arrive(scene), scene.draws.pick(QUEUES)
    menu(scene)
    queued(scene, queue)
    leave(scene, caller, "endpoint")
    scene.media = "callback"
    waiting = arrive(scene)
    scene.wait(300, 2 * HOUR_S)
    leave(scene, waiting, "transfer")
    scene.media, scene.direction = "voice", "outbound"
    called = arrive(scene)
    attend(scene, scene.draws.pick(USERS), queue, Stay(disconnect="client"))
    leave(scene, called, "peer")


def voicemail(scene: Scene) -> None:
    """Nobody answers in time; the customer speaks to a machine."""
    customer, queue = arrive(scene), scene.draws.pick(QUEUES)
    queued(scene, queue, answered=False, low=60)
    machine = scene.session(scene.enter("voicemail", participantName="Voicemail"))
    began = scene.now
    spent = scene.wait(5, 90)
    machine["segments"].append(
        segment("voicemail", began, scene.now, queueId=queue.id, disconnectType="peer")
    )
    machine["metrics"].append(metric("tVoicemail", spent, scene.now))
    leave(scene, customer, "endpoint")


def chat(scene: Scene) -> None:
    """A chat on the website, after a bot."""
    scene.media = "chat"
    customer, queue = arrive(scene), scene.draws.pick(QUEUES)
    menu(scene, bot=True)
    queued(scene, queue)
    customer = _stays(scene, customer)
    attend(scene, scene.draws.pick(USERS), queue, Stay(disconnect="peer"))
    leave(scene, customer, "client")


def _stays(scene: Scene, customer: Json) -> Json:
    """Return the customer's session: a new one where the connection broke."""
    return reconnect(scene, customer) if scene.draws.chance(RECONNECTED_PERCENT) else customer


def message(scene: Scene) -> None:
    """A message thread; in a third of the cases the customer writes again and another agent takes over."""
    scene.media = "message"
    customer, queue = arrive(scene), scene.draws.pick(QUEUES)
    menu(scene, bot=scene.draws.chance(50))
    queued(scene, queue)
    customer = _stays(scene, customer)
    attend(scene, USERS[scene.draws.below(20)], queue, Stay(high=HOUR_S, disconnect="client"))
    if scene.draws.chance(33):
        scene.wait(600, 3 * HOUR_S)
        queued(scene, queue)
        attend(scene, USERS[20 + scene.draws.below(20)], queue, Stay(disconnect="client"))
    leave(scene, customer, scene.draws.pick(("peer", "inactivity", "system")))


def email(scene: Scene) -> None:
    """An email, sorted by a flow and answered; in a quarter of the cases the thread comes back."""
    scene.media = "email"
    queue = scene.draws.pick(QUEUES)
    for _ in range(2 if scene.draws.chance(25) else 1):
        customer = arrive(scene)
        menu(scene)
        queued(scene, queue, high=2 * HOUR_S)
        attend(scene, scene.draws.pick(USERS), queue, Stay(disconnect="client"))
        leave(scene, customer, "transfer")
        scene.wait(60, 600)


# Weights in a hundred.
_WEIGHTS: tuple[tuple[Callable[[Scene], None], int], ...] = (
    (queue_call, 26), (abandoned_call, 6), (self_service, 4), (blind_transfer, 7), (consult_transfer, 4),
    (conference, 3), (direct_call, 4), (no_answer, 3), (outbound_call, 4), (campaign_call, 6), (callback, 5),
    (voicemail, 2), (chat, 5), (message, 10), (email, 11),
)  # fmt: skip
SCENARIOS = tuple(scenario for scenario, weight in _WEIGHTS for _ in range(weight))
