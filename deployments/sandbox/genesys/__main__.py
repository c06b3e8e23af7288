"""Start the simulator: `python -m deployments.sandbox.genesys --port 0`."""

from __future__ import annotations

import argparse

from deployments.sandbox.genesys import MANUAL
from deployments.sandbox.genesys.conversations.timestamps import parse_utc
from deployments.sandbox.genesys.http.server import serve
from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET, OAuthClient
from deployments.sandbox.genesys.simulator import EPOCH, Simulator, SimulatorOptions


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deployments.sandbox.genesys",
        description="A Genesys Cloud organization on 127.0.0.1.",
        epilog=MANUAL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port to listen on; 0 (the default): any free one"
    )
    parser.add_argument(
        "--epoch", type=parse_utc, default=EPOCH, help="midnight before the conversations start"
    )
    parser.add_argument("--client-id", default=CLIENT_ID, help="id of the one OAuth client")
    parser.add_argument("--client-secret", default=CLIENT_SECRET, help="its secret")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random faults")
    return parser


def main() -> None:
    """Serve until interrupted."""
    given = _parser().parse_args()
    client = OAuthClient(given.client_id, given.client_secret)
    serve(Simulator(SimulatorOptions(given.epoch, client, given.seed)), given.port)


main()
