"""A warehouse in PostgreSQL: its server, who may write and who reads what, the published state and what was left."""

from __future__ import annotations

from cli.doctor.findings import OUT_OF_ORDER, Check, Environment, Finding, bad, doubtful, good
from stores.settings import database_url
from stores.tls import is_local
from stores.warehouse.postgresql import PostgreSQLWarehouse
from stores.warehouse.postgresql_layout import GRANTS_MISSING, READER, WRITER
from stores.warehouse.postgresql_lock import holder
from stores.warehouse.postgresql_rights import left_by_runs, may_write, named, reached_by_readers, views_on_published
from stores.warehouse.postgresql_session import Session

OLDEST = 14
"""Older ones get no mends from their makers any more."""


def server(environment: Environment) -> Finding:
    """Connect; see version, encoding and transport."""
    url = database_url("warehouse", environment)
    with Session(url) as session:
        ((version, encoding, encrypted),) = session.rows(
            "select current_setting('server_version_num')::integer / 10000, pg_encoding_to_char(encoding), "
            "exists (select 1 from pg_stat_ssl where pid = pg_backend_pid() and ssl) "
            "from pg_database where datname = current_database()"
        )
    found = f"PostgreSQL {version}, {encoding}, {'encrypted' if encrypted else 'not encrypted'}"
    if encoding != "UTF8":
        return bad(found, "Make a database with `encoding 'UTF8' template template0`, and name it with --warehouse.")
    if version < OLDEST:
        return bad(found, f"Sluis needs PostgreSQL {OLDEST} or newer.", OUT_OF_ORDER)
    if not encrypted and not is_local(url):
        return bad(found, "Add ?sslmode=verify-full to the URL of --warehouse, and give the server a certificate.")
    return good(found)


def roles(environment: Environment) -> Finding:
    """See whether the user may write as the owner of the warehouse, and is no more than that."""
    with _session(environment) as session:
        ((user, superuser, makes_roles),) = session.rows(
            "select rolname::text, rolsuper, rolcreaterole from pg_roles where rolname = session_user"
        )
        ready = may_write(session)
    if superuser:
        return doubtful(f"{user} is a superuser", f"Give --warehouse a user who is a member of {WRITER} and no more.")
    if ready:
        return good(f"{user} writes as {WRITER}")
    if makes_roles:
        return good("the first run makes them")
    found, _, hint = GRANTS_MISSING.partition("\n")
    return bad(found.removeprefix("warehouse: "), hint.strip())


def readers(environment: Environment) -> Finding:
    """See whether who reads what is published can do anything else."""
    with _session(environment) as session:
        if reached := reached_by_readers(session):
            return bad(
                f"{READER} can do more than read what is published: {named(reached)}",
                f"Revoke it from {READER}, from public, or from the role by which it is granted.",
            )
    return good(f"{READER} reads what is published, and nothing else")


def published(environment: Environment) -> Finding:
    """See whether what stands in the schemas of a warehouse is ours, and a run can replace it."""
    found = PostgreSQLWarehouse(database_url("warehouse", environment)).published()
    with _session(environment) as session:
        if views := views_on_published(session):
            return bad(
                f"{named(views)}: views on published tables, which no run can replace while they stand",
                "Drop them, and make them again after each run; or ask for what they show as a mart.",
            )
    return good("of Sluis" if found else "nothing published yet")


def leftovers(environment: Environment) -> Finding:
    """See whether a killed run left treated rows behind."""
    with _session(environment) as session:
        if holder(session):
            return good("none; a run is under way")
        if left := left_by_runs(session):
            return doubtful(
                f"{named(left)}: a run was killed", "The next run removes them; until then they hold treated rows."
            )
    return good("none")


def _session(environment: Environment) -> Session:
    return Session(database_url("warehouse", environment))


CHECKS = (
    Check("warehouse server", server, ("warehouse",), of="postgresql"),
    Check("warehouse roles", roles, ("warehouse",), after=("warehouse server",), of="postgresql"),
    Check("readers", readers, ("warehouse",), after=("warehouse server",), of="postgresql"),
    Check("published state", published, ("warehouse",), after=("warehouse server",), of="postgresql"),
    Check("leftovers", leftovers, ("warehouse",), after=("warehouse server",), of="postgresql"),
)
