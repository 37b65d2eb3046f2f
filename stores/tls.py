"""Transport: rows that leave this machine travel encrypted, or not at all."""

from __future__ import annotations

import ipaddress
import os

import sqlalchemy as sa

from privacy.errors import UsageError

ENCRYPTED = ("require", "verify-ca", "verify-full")
"""The sslmode of PostgreSQL's URLs under which nothing travels in clear; all others let the server decide."""

_WAYS = {
    "postgresql": "sslmode=verify-full&sslrootcert=/path/to/ca.pem",
    "mysql": "ssl_ca=/path/to/ca.pem",
    "mariadb": "ssl_ca=/path/to/ca.pem",
}
_ASKED = {"mysql": ("ssl_ca", "ssl_capath"), "mariadb": ("ssl_ca", "ssl_capath")}
_UNKNOWN = (
    "Sluis does not know by which of its options this driver demands TLS.\n"
    "  Reach the server through an encrypted tunnel that ends on this machine, such as `ssh -L`."
)


def demand_tls(url: sa.URL, name: str) -> None:
    """Refuse a database on another machine whose URL does not demand TLS. `name` is the setting's, such as `source`."""
    backend = url.get_backend_name()
    if is_local(url):
        return
    if backend not in _WAYS:
        raise UsageError(f"--{name}: its database is on another machine, and {_UNKNOWN}")
    if not _demanded(url, backend):
        raise UsageError(
            f"--{name}: its database is on another machine, and the URL does not demand TLS, so that personal data "
            f"could travel in clear.\n  Add ?{_WAYS[backend]} to the URL; a server on this machine needs none."
        )


def is_local(url: sa.URL) -> bool:
    """Tell whether a URL names a server on this machine: by a socket, or by a loopback address."""
    if url.query.get("unix_socket"):
        return True
    if url.query.get("service"):
        return False  # its address stands in a file that others may change
    named = url.query.get("hostaddr") or url.query.get("host") or url.host or ""
    hosts = ",".join(named if isinstance(named, tuple) else (named,))
    if not hosts and url.get_backend_name() == "postgresql":
        hosts = os.environ.get("PGHOSTADDR") or os.environ.get("PGHOST", "")
    return all(map(_is_loopback, hosts.split(",")))


def _is_loopback(host: str) -> bool:
    host = host.strip().lower()
    if host.count(":") == 1:
        host = host.partition(":")[0]  # a port follows
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _demanded(url: sa.URL, backend: str) -> bool:
    if backend == "postgresql":
        return (url.query.get("sslmode") or os.environ.get("PGSSLMODE")) in ENCRYPTED
    return any(url.query.get(option) for option in _ASKED[backend])
