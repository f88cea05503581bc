"""A certificate authority for tests, made with the openssl program."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


class Authority:
    """Issues to ``directory``: ``ca.pem``, and NAME.pem with NAME.key for each name."""

    def __init__(self, directory: Path) -> None:
        if shutil.which("openssl") is None:
            if os.environ.get("CI"):
                pytest.fail("there is no openssl program")
            pytest.skip("there is no openssl program")
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self._run("req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=plant CA")

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    def issue(self, name: str, *names: str, days: int = 1) -> tuple[Path, Path]:
        """``names`` as OpenSSL writes them: DNS:press-4.plant, IP:127.0.0.1."""
        self._run("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.directory / "names").write_text(f"subjectAltName={','.join(names)}\n" if names else "")
        signed = "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key"
        self._run(*signed, "-days", str(days), "-extfile", "names", "-out", f"{name}.pem")
        return self.directory / f"{name}.pem", self.directory / f"{name}.key"

    def lock(self, name: str, locked: Path, password: str) -> None:
        """The key of NAME behind a password."""
        self._run("ec", "-in", f"{name}.key", "-out", str(locked), "-aes256", "-passout", f"pass:{password}")

    def demanding(self, name: str) -> ssl.SSLContext:
        """A server that shows NAME and lets in only who shows a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        context.load_verify_locations(self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _run(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments], cwd=self.directory, check=True, capture_output=True, timeout=60
        )


_KEY = "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"
