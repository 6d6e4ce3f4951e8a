"""The one door of the simulated exchange: this machine, and nobody else's."""

from __future__ import annotations

from ipaddress import ip_address


def check_loopback(host: str) -> None:
    """Raise ValueError unless `host` is this machine only: the simulated exchange has no other protection."""
    if host == "localhost":
        return
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"host {host}: the simulated exchange is on loopback only; use 127.0.0.1 or ::1")
