"""What Genesys measures of a medium: statistics of a call's endpoints, response times of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.sandbox.genesys.conversations.timestamps import timestamp

if TYPE_CHECKING:
    from deployments.sandbox.genesys.conversations import Json
    from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom


def endpoint_statistics(rng: SeededRandom, moment: int) -> Json:
    """Return the statistics of a call's endpoint, of a moment (epoch ms)."""
    return {
        "codecs": ["audio/opus"],
        "eventTime": timestamp(moment),
        "maxLatencyMs": rng.below(300),
        "minMos": rng.between(2_500_000, 4_950_000) / 1_000_000,
        "minRFactor": rng.between(500_000, 935_000) / 10_000,
        "discardedPackets": rng.below(50),
        "receivedPackets": rng.between(500, 60_000),
    }


def response_times(rng: SeededRandom, talk: int, moment: int) -> list[Json]:
    """Return the metrics of a message session: single response times, their averages, and observations."""
    agent, customer = 1 + rng.below(max(1, talk // 4)), 1 + rng.below(max(1, talk // 4))
    values = (
        ("tAgentResponseTime", agent),
        ("tAgentResponseTime", agent // 2),
        ("tUserResponseTime", customer),
        ("tAverageAgentResponseTime", (agent + agent // 2) // 2),
        ("tAverageCustomerResponseTime", customer),
        ("oMessageCount", 2 + rng.below(20)),
    )
    return [{"name": name, "value": value, "emitDate": timestamp(moment)} for name, value in values]
