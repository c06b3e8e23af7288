"""Start the simulator: `python -m deployments.sandbox.genesys --port 0`."""

from __future__ import annotations

import argparse

from deployments.sandbox.genesys import MANUAL
from deployments.sandbox.genesys.scene import utc
from deployments.sandbox.genesys.server import serve
from deployments.sandbox.genesys.simulator import EPOCH, Options, Simulator
from deployments.sandbox.genesys.tokens import CLIENT_ID, CLIENT_SECRET, Client


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
    parser.add_argument("--epoch", type=utc, default=EPOCH, help="day whose 24 hours conversations start in")
    parser.add_argument("--client-id", default=CLIENT_ID, help="id of the one OAuth client")
    parser.add_argument("--client-secret", default=CLIENT_SECRET, help="its secret")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random faults")
    return parser


def main() -> None:
    """Serve until interrupted."""
    given = _parser().parse_args()
    client = Client(given.client_id, given.client_secret)
    serve(Simulator(Options(given.epoch, client, given.seed)), given.port)


main()
