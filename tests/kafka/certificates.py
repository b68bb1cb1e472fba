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


def make_certificate(
    ca: Path,
    name: str,
    key_password: str | None = None,
    *,
    host: str = "IP:127.0.0.1",
    days: int = 2,
) -> tuple[Path, Path]:
    """A certificate and its key, encrypted if there is a password.

    It is good for ``host`` (``IP:…`` or ``DNS:…``) and for so many days; it expired yesterday if
    they are -1.
    """
    certificate, key = ca.parent / f"{name}.pem", ca.parent / f"{name}.key"
    request, extensions = certificate.with_suffix(".csr"), certificate.with_suffix(".cnf")
    sealed = ["-noenc"] if key_password is None else ["-passout", f"pass:{key_password}"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subject = ["-subj", f"/CN={name}", *sealed, "-keyout", str(key), "-out", str(request)]
    _openssl("req", "-new", *curve, *subject)
    extensions.write_text(f"subjectAltName={host}\nbasicConstraints=CA:FALSE\n")
    signer = ["-CA", str(ca), "-CAkey", str(ca.with_suffix(".key")), "-extfile", str(extensions)]
    files = ["-in", str(request), "-out", str(certificate)]
    _openssl("x509", "-req", *signer, "-days", str(days), *files)
    return certificate, key
