"""Certificates of the tests' own, made by openssl."""

import subprocess
from pathlib import Path

KEY_PASSWORD = "of-the-key"
_CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def make_ca(folder: Path, name: str) -> Path:
    """A certificate authority; its key lies beside it."""
    certificate = folder / f"{name}.pem"
    key = str(folder / f"{name}.key")
    subject = ["-subj", f"/CN={name}", "-noenc", "-keyout", key, "-out", str(certificate)]
    _openssl("req", "-x509", *_CURVE, *subject)
    return certificate


def make_certificate(ca: Path, name: str, key_password: str | None = None) -> tuple[Path, Path]:
    """A certificate for ``name`` on this machine and its key, encrypted if there is a password."""
    certificate, key = ca.parent / f"{name}.pem", ca.parent / f"{name}.key"
    sealed = ["-noenc"] if key_password is None else ["-passout", f"pass:{key_password}"]
    _openssl(
        *("req", "-x509", *_CURVE, "-subj", f"/CN={name}", *sealed),
        *("-CA", str(ca), "-CAkey", str(ca.with_suffix(".key"))),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"),
        *("-keyout", str(key), "-out", str(certificate)),
    )
    return certificate, key
