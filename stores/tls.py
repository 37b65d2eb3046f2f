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
_ASKED = ("ssl_ca", "ssl_capath")
_UNDONE_BY = ("ssl_disabled", "ssl_verify_cert", "ssl_verify_identity")
"""Options of PyMySQL's own, beside which it forgets the certificates that were named, or TLS as a whole."""
_IN_FILES = {"postgresql": ("service",), "mysql": ("read_default_file",), "mariadb": ("read_default_file",)}
"""Options that leave it to a file, which others may change, where the server is."""
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
            f"could travel in clear.\n  Add ?{_WAYS[backend]} to the URL{_without(url)}; a server on this machine needs"
            " none."
        )


def is_local(url: sa.URL) -> bool:
    """Tell whether a URL names a server on this machine: by a socket, or by a loopback address."""
    backend = url.get_backend_name()
    if url.query.get("unix_socket"):
        return True
    if any(map(url.query.get, _IN_FILES.get(backend, ()))) or (backend == "postgresql" and os.environ.get("PGSERVICE")):
        return False
    named = url.query.get("hostaddr") or url.query.get("host") or url.host or ""
    hosts = ",".join(named if isinstance(named, tuple) else (named,))
    if backend == "postgresql" and not url.query.get("hostaddr"):  # where there is an address, no name is asked for
        hosts = os.environ.get("PGHOSTADDR") or hosts or os.environ.get("PGHOST", "")
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


def _without(url: sa.URL) -> str:
    undoing = [option for option in _UNDONE_BY if option in url.query]
    return f", and take {', '.join(undoing)} out of it" if undoing else ""


def _demanded(url: sa.URL, backend: str) -> bool:
    if backend == "postgresql":
        by_itself = None if url.query.get("service") or os.environ.get("PGSERVICE") else os.environ.get("PGSSLMODE")
        return (url.query.get("sslmode") or by_itself) in ENCRYPTED
    return any(map(url.query.get, _ASKED)) and not any(option in url.query for option in _UNDONE_BY)
