"""`python -m deployments.worker.health`: exit code 0 when this machine's worker looks for runs, 1 when it does not.

The worker has to be started with `--with-healthcheck`. No proxy is asked, and nothing of Prefect's is imported, so
that it costs a container little every half minute.
"""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

_PORT = 8080  # Prefect's default of PREFECT_WORKER_WEBSERVER_PORT
_SECONDS = 10.0


def is_healthy(port: int) -> bool:
    """Return whether the worker behind the port of the loopback says that it is well."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(int(os.environ.get("PREFECT_WORKER_WEBSERVER_PORT") or _PORT)))
