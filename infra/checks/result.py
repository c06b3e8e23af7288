"""The result of one check: pass, fail or unknown, what was found, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws_errors import meaning
from infra.errors import InfraError

State = Literal["pass", "fail", "unknown"]
NOT_ALLOWED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}


@dataclass(frozen=True)
class Result:
    """What a check found; `mend` says what to do about it."""

    name: str
    state: State
    found: str
    mend: str = ""

    @property
    def failed(self) -> bool:
        """Whether something is wrong for certain."""
        return self.state == "fail"

    def as_dict(self) -> dict[str, str]:
        """Return it for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """A check by its name: `look` returns what was found, or raises Wrong or Unknown."""

    name: str
    look: Callable[[], str]

    def run(self) -> Result:
        """Look, and say what became of it; a check never ends the others."""
        try:
            return Result(self.name, "pass", self.look())
        except Wrong as wrong:
            return Result(self.name, "fail", str(wrong), wrong.mend)
        except UnknownState as unknown:
            return Result(self.name, "unknown", str(unknown), unknown.mend)
        except ClientError as error:
            return self._refused(error)
        except BotoCoreError as error:
            means = meaning(error)
            return Result(self.name, "fail", means.found, means.mend)
        except InfraError as error:  # says itself what to do
            return Result(self.name, "fail", str(error))

    def _refused(self, error: ClientError) -> Result:
        code = error.response["Error"]["Code"]
        action = error.operation_name
        if code in NOT_ALLOWED:
            return Result(self.name, "unknown", f"not allowed to {action}", f"allow {action} to see it")
        return Result(self.name, "fail", f"{action}: {code}", f"{error.response['Error'].get('Message', '')}")


class Wrong(Exception):  # reads as what was found
    """Something is wrong, and `mend` says what to do."""

    def __init__(self, found: str, mend: str) -> None:
        super().__init__(found)
        self.mend = mend


class UnknownState(Exception):  # the same
    """It cannot be told from here."""

    def __init__(self, found: str, mend: str = "") -> None:
        super().__init__(found)
        self.mend = mend
