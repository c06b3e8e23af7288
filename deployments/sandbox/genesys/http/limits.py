"""Request counters and the rate limit of each token."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from math import ceil

REQUESTS_A_MINUTE = 300  # client.credentials.token.rate.per.minute
WINDOW_SECONDS = 60.0
REQUEST_BYTES = 512_000  # request.bytes.max
RESPONSE_BYTES = 10_000_000  # assumed: that there is a maximum is documented, its value is not
URL_BYTES = 8192  # assumed, a common limit of gateways; a multi-get of 100 ids needs 4,000
MAX_STORED_MOMENTS = 1_000_000  # 8 bytes each


class RequestCounter:
    """Counts requests by name and stores the moments (epoch s) at which they came."""

    def __init__(self) -> None:
        self.total = 0
        self.by_name: Counter[str] = Counter()
        self.moments = array("d")

    def add(self, name: str, moment: float) -> None:
        """Count a request at a moment (epoch s)."""
        self.total += 1
        self.by_name[name] += 1
        self.moments.append(moment)
        if len(self.moments) > MAX_STORED_MOMENTS:
            del self.moments[: MAX_STORED_MOMENTS // 2]

    def max_in_window(self, seconds: float) -> int:
        """Return the exact maximum of requests within any interval of so many seconds."""
        maximum = first = 0
        if not seconds > 0:
            return 0
        for last, moment in enumerate(self.moments):
            while moment - self.moments[first] >= seconds:
                first += 1
            maximum = max(maximum, last - first + 1)
        return maximum


@dataclass(slots=True)
class TokenWindow:
    """A token's current window, which opened (epoch s) with its first request after the previous one."""

    opened: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """A token's use of its rate limit after a request."""

    count: int
    allowed: int
    reset: int  # seconds until the window closes

    @property
    def exceeded(self) -> bool:
        """Whether the request was beyond the limit."""
        return self.count > self.allowed

    def headers(self) -> dict[str, str]:
        """Return the rate limit headers of a response to the token."""
        return {
            "inin-ratelimit-count": str(self.count),
            "inin-ratelimit-allowed": str(self.allowed),
            "inin-ratelimit-reset": str(self.reset),
        }


class TokenRateLimit:
    """Counts each token's requests in fixed windows."""

    def __init__(self) -> None:
        self._windows: dict[str, TokenWindow] = {}

    def count(self, token: str, moment: float, allowed: int, seconds: float) -> TokenUsage:
        """Count a token's request at a moment (epoch s) in a window of so many seconds."""
        window = self._windows.get(token)
        if window is None or moment - window.opened >= seconds:
            window = self._windows[token] = TokenWindow(moment)
        window.count += 1
        return TokenUsage(window.count, allowed, max(1, ceil(window.opened + seconds - moment)))
