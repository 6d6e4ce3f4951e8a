"""A server's certificate for this machine, made on the spot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def certificate(folder: Path) -> Path:
    """A certificate for localhost, signed by itself, and its key beside it."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    files = ("-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    command = ("openssl", "req", "-x509", *curve, *names, *files)
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here")
    subprocess.run(command, capture_output=True, check=True)
    return folder / "cert.pem"
