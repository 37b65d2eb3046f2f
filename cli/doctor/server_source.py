"""A source that is a server: version, transport and clock, what its account may do, and its snapshots."""

from __future__ import annotations

import datetime
from itertools import islice

from cli.doctor.change_stamps import unreadable
from cli.doctor.findings import OUT_OF_ORDER, Check, Environment, Finding, bad, doubtful, good
from cli.doctor.places import policy_of
from privacy.treat import columns_read
from stores.mariadb_source import MariadbSource
from stores.opening import open_source
from stores.postgresql_source import PostgresqlSource
from stores.server_facts import ServerFacts
from stores.settings import database_url
from stores.source import READERS
from stores.tls import is_local

OLDEST = {"PostgreSQL": (14, 0), "MariaDB": (10, 6), "MySQL": (8, 0)}
"""Older ones get no mends from their makers any more."""

SLACK = datetime.timedelta(minutes=2)
NAMED = 3


def server(environment: Environment) -> Finding:
    """See version, encoding, zone and transport. Sessions of Sluis are in UTC and UTF-8, whatever the server's own."""
    facts = _facts(environment)
    transport = "encrypted" if facts.encrypted else "not encrypted"
    version = ".".join(map(str, facts.version[: 1 if facts.product == "PostgreSQL" else 2]))
    found = f"{facts.product} {version}, {facts.encoding}, {facts.time_zone}, {transport}"
    if not facts.encrypted and not is_local(database_url("source", environment)):
        return bad(found, "Let the URL of --source demand TLS, and give the server a certificate.")
    if facts.encoding == "SQL_ASCII":
        return doubtful(found, "Its texts may be of any encoding; those that are not UTF-8 are set aside.")
    if facts.version < OLDEST[facts.product]:
        return doubtful(found, "Its makers mend it no more, and Sluis is not tried on it: upgrade it.")
    return good(found)


def server_clock(environment: Environment) -> Finding:
    """Compare the server's clock with this machine's."""
    apart = abs(_facts(environment).now - datetime.datetime.now(datetime.UTC))
    if apart > SLACK:
        found = f"{apart.total_seconds():,.0f} seconds apart from this machine's"
        return bad(found, "Set both clocks: new rows would be set aside as lying in the future.", OUT_OF_ORDER)
    return good("as this machine's")


def account(environment: Environment) -> Finding:
    """See whether the account reads all rows, and can only read: whoever takes it over might write."""
    facts = _facts(environment)
    if facts.hidden:
        return doubtful(
            f"{facts.account} may not see all rows of: {_some(facts.hidden)}",
            "A run that reads one of them stops. Give the account bypassrls, or list them under never_extracted.",
        )
    if not facts.may_write:
        return good(f"{facts.account} can only read")
    return doubtful(
        f"{facts.account} may write: {_some(facts.may_write)}",
        "Give --source an account that has no more than the right to read; docs/sources.md has the statements.",
    )


def rights(environment: Environment) -> Finding:
    """See whether the account may read what the policy reads."""
    policy, source = policy_of(environment), _source(environment)
    schema = source.schema()
    tables = {name: table for name, table in policy.tables.items() if not table.derived and name in schema}
    columns = [(name, c) for name, table in tables.items() for c in columns_read(table) if c in schema[name]]
    if shut := tuple(dict.fromkeys(table for table, _ in unreadable(source, columns))):
        return bad(f"the account may not read: {_some(shut)}", "Grant it select on them: a run stops.", OUT_OF_ORDER)
    return good(f"the account may read all {len(tables)} tables of the policy")


def snapshot(environment: Environment) -> Finding:
    """Open a snapshot, as a run does, and see behind how many connections."""
    with _source(environment).snapshot() as opened:
        connections, without = opened.connections, opened.without
    if without:
        named = ", ".join(f"{table} ({engine})" for table, engine in islice(without.items(), NAMED))
        return doubtful(
            f"tables that have no snapshots: {named}",
            "A run that reads one of them stops. List them under never_extracted, alter them to engine = InnoDB "
            "(MariaDB), or name a copy with --source.",
        )
    if connections < READERS:
        return doubtful(
            "one connection reads all tables, one after the other",
            "Grant the account lock tables, so that several can begin at one moment; or run while the shop is quiet.",
        )
    return good(f"{connections} connections read one state")


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _source(environment: Environment) -> PostgresqlSource | MariadbSource:
    source = open_source(database_url("source", environment))
    assert isinstance(source, PostgresqlSource | MariadbSource)
    return source


def _facts(environment: Environment) -> ServerFacts:
    return _source(environment).facts()


CHECKS = tuple(
    Check(name, look, needs, after=needs, of=kind)
    for kind in ("postgresql", "mysql", "mariadb")
    for name, look, needs in (
        ("source server", server, ("source",)),
        ("source clock", server_clock, ("source",)),
        ("source account", account, ("source",)),
        ("source rights", rights, ("source", "policy")),
        ("source snapshot", snapshot, ("source",)),
    )
)
