"""Who may see what others left behind: feedback and statistics belong to the machine itself."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse

from kb.settings import Settings
from kb.wording import STATES

__all__ = ["allowed", "learners_address", "refusal"]

EVERYWHERE = ("0.0.0.0", "::")
ELSEWHERE = ("192.0.2.1", 9)  # an address for documentation; the socket only looks up a route
FORWARDED = ("x-forwarded-for", "x-real-ip", "forwarded")


def allowed(settings: Settings, request: Any) -> bool:
    """Whether a request may read or switch the records.

    A request that a proxy on this machine passes on counts as coming from elsewhere.

    Args:
        settings: ``records`` says who may.
        request: a request of Starlette or of Gradio, which look alike.
    """
    if settings.records == "all":
        return True
    headers: Mapping[str, str] = request.headers
    host = request.client.host if request.client else ""
    return _loopback(host) and not any(headers.get(name) for name in FORWARDED)


def _loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def learners_address(settings: Settings, request: Any) -> str:
    """The address under which others reach this page: as opened, or this machine's on the network."""
    headers: Mapping[str, str] = request.headers
    host = headers.get("host", "")
    scheme = headers.get("x-forwarded-proto", "http")
    name, _, port = host.rpartition(":")
    if settings.host in EVERYWHERE and (name == "localhost" or _loopback(name)):
        host = f"{_own_address() or name}:{port}"
    return f"{scheme}://{host}"


def _own_address() -> str | None:
    """This machine's address on its network; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def refusal() -> JSONResponse:
    """The answer to a request that may not."""
    error = {"code": "local_only", "message": STATES["local_only"]}
    return JSONResponse({"error": error}, status_code=403)
