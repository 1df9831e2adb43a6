"""Who may see what others left behind: feedback and statistics belong to the machine itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse

from kb.settings import Settings
from kb.wording import STATES

__all__ = ["allowed", "refusal"]

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


def refusal() -> JSONResponse:
    """The answer to a request that may not."""
    error = {"code": "local_only", "message": STATES["local_only"]}
    return JSONResponse({"error": error}, status_code=403)
