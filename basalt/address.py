"""Where a Dask scheduler is, and the certificates to speak to it with: arguments of every command that uses one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from basalt.errors import BasaltError

TlsCa = Annotated[
    Path | None, typer.Option("--tls-ca-file", help="Certificates of who may sign a tls:// scheduler's; see docs.")
]
TlsCert = Annotated[Path | None, typer.Option("--tls-cert", help="Our certificate, for a tls:// scheduler.")]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", help="The key to it, if it is not in the same file.")]


@dataclass(frozen=True)
class Address:
    """Where a scheduler is, and how to speak to it.

    Attributes:
        url: "tcp://host:8786", or "tls://host:8786".
        option: of the command line that gave it, for messages.
        ca, certificate, key: PEM files for TLS, as of Dask's own --tls-ca-file, --tls-cert and --tls-key; where none is
            named, what Dask's configuration says.
    """

    url: str
    option: str = "--scheduler"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def security(self) -> Any:
        """What Dask is given; None without certificates.

        Raises:
            BasaltError: a file is missing, or address and certificates do not go together.
        """
        given = {"tls_ca_file": self.ca, "tls_client_cert": self.certificate, "tls_client_key": self.key}
        named = {name: path for name, path in given.items() if path is not None}
        if self.ca is None and self.url.startswith("tls://"):
            import dask.config

            if not dask.config.get("distributed.comm.tls.ca-file", None):
                raise BasaltError(f"{self.url} is encrypted: give --tls-ca-file, --tls-cert and --tls-key.")
        if not named:
            return None
        if not self.url.startswith("tls://"):
            raise BasaltError(f"{self.option} {self.url!r} is not encrypted: with --tls-… it begins with tls://.")
        for path in named.values():
            if not path.is_file():
                raise BasaltError(f"There is no file {path}; name one in PEM format.")
        from distributed import Security

        return Security(require_encryption=True, **{name: str(path) for name, path in named.items()})


def address(
    url: str | None, option: str, ca: Path | None, certificate: Path | None, key: Path | None
) -> Address | None:
    """What options of the command line name; None if they name no scheduler.

    Raises:
        BasaltError: certificates without a scheduler.
    """
    if url is not None:
        return Address(url, option, ca, certificate, key)
    if ca or certificate or key:
        raise BasaltError(f"--tls-… is for {option} tls://HOST:PORT, which is not given.")
    return None
