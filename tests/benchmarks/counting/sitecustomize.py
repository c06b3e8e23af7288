"""With this folder on PYTHONPATH, a process counts its AWS calls in the file that COUNT_AWS names.

Python imports it at start, before any client is made. See `tests.benchmarks.aws_calls` for a line of that file.
"""

import os
from typing import Any

if "COUNT_AWS" in os.environ:
    from botocore.client import BaseClient

    patched: Any = BaseClient  # botocore's stubs do not have the method through which every call goes
    _original = patched._make_api_call  # noqa: SLF001

    def _count(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        from tests.benchmarks.aws_calls import describe, record  # noqa: PLC0415 - costs nothing at start

        service, answer = self.meta.service_model.service_name, {}
        try:
            answer = _original(self, operation_name, api_params)
        except Exception as error:
            answer = getattr(error, "response", {})
            raise
        finally:
            record(describe(service, operation_name, api_params, answer))
        return answer

    patched._make_api_call = _count  # noqa: SLF001
