"""On a process's path: Python imports this at start, and every AWS call of the process is written down.

A line of JSON for each, into the file that RECORD_AWS names: service, operation and parameters, as they are
when botocore is about to send them.
"""

import json
import os

if "RECORD_AWS" in os.environ:
    from botocore.client import BaseClient

    _ORIGINAL = BaseClient._make_api_call  # noqa: SLF001 - what every call of every client goes through

    def _recorded(self, operation_name, api_params):  # noqa: ANN001, ANN202 - botocore's own signature
        call = {
            "service": self.meta.service_model.signing_name,
            "operation": operation_name,
            "parameters": api_params,
        }
        line = json.dumps(call, default=lambda value: f"({type(value).__name__})") + "\n"
        with open(os.environ["RECORD_AWS"], "a", encoding="utf-8") as file:  # noqa: PTH123 - early in a process
            file.write(line)
        return _ORIGINAL(self, operation_name, api_params)

    BaseClient._make_api_call = _recorded  # noqa: SLF001
