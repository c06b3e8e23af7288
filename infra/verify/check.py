"""A check, its result (pass, fail or unknown), and the exceptions that a check ends with.

Exception
├── CheckFailed     something is wrong; `hint` says what to do
└── CheckUnknown    it cannot be seen from here whether something is wrong
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError, explain, is_busy

CheckState = Literal["pass", "fail", "unknown"]
NOT_ALLOWED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}

THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
}
"""Codes that AWS answers with 400, and that pass by themselves."""


class CheckFailed(Exception):
    """Something is wrong; `hint` says what to do."""

    def __init__(self, found: str, hint: str) -> None:
        super().__init__(found)
        self.hint = hint


class CheckUnknown(Exception):
    """It cannot be seen from here whether something is wrong; `hint` says how it could be."""

    def __init__(self, found: str, hint: str = "") -> None:
        super().__init__(found)
        self.hint = hint


@dataclass(frozen=True)
class CheckResult:
    """What a check found, and in `hint` what to do about it."""

    name: str
    state: CheckState
    found: str
    hint: str = ""

    @property
    def failed(self) -> bool:
        """Whether something is certainly wrong."""
        return self.state == "fail"

    def as_dict(self) -> dict[str, str]:
        """Return the result for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """A check by its name. `look` returns what it found, or raises CheckFailed or CheckUnknown."""

    name: str
    look: Callable[[], str]

    def run(self) -> CheckResult:
        """Return the result; an error of AWS or of this package is one, too, so that the other checks run."""
        try:
            return CheckResult(self.name, "pass", self.look())
        except CheckFailed as failed:
            return CheckResult(self.name, "fail", str(failed), failed.hint)
        except CheckUnknown as unknown:
            return CheckResult(self.name, "unknown", str(unknown), unknown.hint)
        except ClientError as error:
            return self._rejected(error)
        except BotoCoreError as error:
            explanation = explain(error)
            return CheckResult(self.name, "fail", explanation.found, explanation.hint)
        except InfraError as error:  # its text has the hint
            return CheckResult(self.name, "fail", str(error))

    def _rejected(self, error: ClientError) -> CheckResult:
        """Return the result of a call that AWS rejected: unknown when only a permission is missing, or AWS is busy."""
        action, code = error.operation_name, error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if is_busy(status) or code in THROTTLED:
            hint = "come again in a minute: nothing can be said until then"
            return CheckResult(self.name, "unknown", f"{action}: {code}", hint)
        if code in NOT_ALLOWED:
            return CheckResult(self.name, "unknown", f"not allowed to {action}", f"allow {action} to see it")
        return CheckResult(self.name, "fail", f"{action}: {code}", error.response["Error"].get("Message", ""))
