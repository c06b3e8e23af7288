"""The login and API hosts of a Genesys Cloud region, and which hosts requests may be sent to.

Hosts come from the settings only, never from an event. The client's secret is sent only to hosts of Genesys
Cloud, or to loopback, for the simulator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from tasks.genesys.errors import InvalidHost

# The 18 regions of Genesys's own SDK, by the AWS region that each one runs in.
DOMAINS = {
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
    "ca-central-1": "cac1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
}

# New regions are one label under one of these. The mypurecloud domains are a closed set: anybody can register
# that name under another top-level domain.
_NEW_REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.(?:pure|us-gov-pure|eusc-pure)\.cloud")
_SERVICE = re.compile(r"(?:api|login|apps)\.")
_ORIGIN = re.compile(r"[A-Za-z0-9.:/\[\]-]+")


@dataclass(frozen=True)
class Hosts:
    """A region's two origins, without a trailing slash; `region` is its name in messages."""

    region: str
    login_url: str
    api_url: str


def resolve(region: str, *, login_url: str | None = None, api_url: str | None = None) -> Hosts:
    """Return the hosts of an AWS region name or a Genesys domain; InvalidHost names the variable at fault."""
    if login_url and api_url:
        login, api = _override("GENESYS_LOGIN_URL", login_url), _override("GENESYS_API_URL", api_url)
        return Hosts(str(urlsplit(api).netloc), login, api)
    domain = _domain(region)
    return Hosts(
        domain,
        _override("GENESYS_LOGIN_URL", login_url) if login_url else f"https://login.{domain}",
        _override("GENESYS_API_URL", api_url) if api_url else f"https://api.{domain}",
    )


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _domain(region: str) -> str:
    name = region.strip().lower()
    domain = DOMAINS.get(name, _SERVICE.sub("", name, count=1))
    if not _is_genesys(domain):
        raise InvalidHost(
            f"GENESYS_REGION is {region[:60]!r}, which is not a region of Genesys Cloud: give the AWS "
            "region's name (such as us-east-1) or the domain (such as mypurecloud.ie or usw2.pure.cloud)"
        )
    return domain


def _is_genesys(domain: str) -> bool:
    return domain in DOMAINS.values() or _NEW_REGION.fullmatch(domain) is not None


def _override(variable: str, url: str) -> str:
    """Return the origin that a setting names; an error repeats only its host: a URL can hold a password."""
    parts = _split(url)
    if parts is None or parts.path not in {"", "/"}:
        raise InvalidHost(
            f"{variable} must be an origin such as https://api.mypurecloud.com: scheme, host and port only"
        )
    origin = f"{parts.scheme}://{parts.netloc}"
    host = parts.hostname or ""
    if is_loopback(origin) or (parts.scheme == "https" and _is_genesys(_SERVICE.sub("", host, count=1))):
        return origin
    raise InvalidHost(
        f"{variable} names {parts.scheme}://{host}: only https to a Genesys Cloud host, or a loopback "
        "address, is allowed"
    )


def _split(url: str) -> SplitResult | None:
    """Return the parts of an origin; None for any other URL."""
    if not _ORIGIN.fullmatch(url):  # excludes user, query, fragment, backslash, white space
        return None
    try:
        parts = urlsplit(url.lower())
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname and port_is_valid else None
