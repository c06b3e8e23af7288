"""With this folder on PYTHONPATH, a process records its AWS calls in the file that RECORD_AWS names.

Python imports it at start. Each call is a line of JSON: service, operation and parameters, as botocore sends them.
"""

import json
import os
from typing import Any

if "RECORD_AWS" in os.environ:
    from botocore.client import BaseClient

    patched: Any = BaseClient  # botocore's stubs do not have the method through which every call goes
    _original = patched._make_api_call  # noqa: SLF001

    def _record(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        call = {
            "service": self.meta.service_model.signing_name,
            "operation": operation_name,
            "parameters": api_params,
        }
        line = json.dumps(call, default=lambda value: f"({type(value).__name__})") + "\n"
        with open(os.environ["RECORD_AWS"], "a", encoding="utf-8") as file:  # noqa: PTH123 - early in a process
            file.write(line)
        return _original(self, operation_name, api_params)

    patched._make_api_call = _record  # noqa: SLF001
