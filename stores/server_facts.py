"""What a server says of itself and of the account that reads it, for whoever looks before a run does."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import sqlalchemy as sa

WRITING = ("insert", "update", "delete", "truncate", "create", "drop", "alter", "trigger")


@dataclass(frozen=True)
class ServerFacts:
    """A source that is a server. Names and settings; never a value of a row."""

    product: str
    version: tuple[int, int]
    encoding: str
    time_zone: str
    now: datetime.datetime
    encrypted: bool
    account: str
    may_write: tuple[str, ...]
    """Tables, or kinds of writing, that the account is allowed; empty for one that can only read."""
    hidden: tuple[str, ...] = ()
    """Tables of which row level security may keep rows from the account."""


def postgresql_facts(connection: sa.Connection) -> ServerFacts:
    """Ask PostgreSQL."""
    row = connection.exec_driver_sql(
        "select current_setting('server_version_num')::integer, pg_encoding_to_char(encoding), "
        "now(), "
        "exists (select 1 from pg_stat_ssl where pid = pg_backend_pid() and ssl), current_user::text, "
        "(select rolsuper from pg_roles where rolname = current_user) "
        "from pg_database where datname = current_database()"
    ).one()
    number, encoding, now, encrypted, account, superuser = row
    zone = connection.exec_driver_sql("show timezone").scalar_one()
    written = connection.exec_driver_sql(
        "select relname::text from pg_class where relkind in ('r', 'p') and pg_table_is_visible(oid) "
        "and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) "
        "and has_table_privilege(oid, 'insert, update, delete, truncate') order by 1"
    ).scalars()
    hidden = connection.exec_driver_sql(
        "select relname::text from pg_class where relkind in ('r', 'p') and pg_table_is_visible(oid) "
        "and row_security_active(oid) order by 1"
    ).scalars()
    may_write = ("everything, as a superuser",) if superuser else tuple(written)
    version = (number // 10_000, number % 10_000)
    return ServerFacts("PostgreSQL", version, encoding, zone, now, encrypted, account, may_write, tuple(hidden))


def mariadb_facts(connection: sa.Connection) -> ServerFacts:
    """Ask MariaDB or MySQL."""
    said, encoding, zone, now, account = connection.exec_driver_sql(
        "select version(), @@character_set_database, "
        "if(@@global.time_zone = 'SYSTEM', @@system_time_zone, @@global.time_zone), utc_timestamp(), current_user()"
    ).one()
    (_, cipher) = connection.exec_driver_sql("show session status like 'Ssl_cipher'").one()
    user, _, host = account.rpartition("@")
    grants = " union ".join(
        f"select lower(privilege_type) from information_schema.{view} where grantee = %(grantee)s{of}"
        for view, of in (
            ("user_privileges", ""),
            ("schema_privileges", " and database() like table_schema"),
            ("table_privileges", " and table_schema = database()"),
        )
    )
    held = set(connection.exec_driver_sql(grants, {"grantee": f"'{user}'@'{host}'"}).scalars())
    major, minor, *_ = said.split(".")
    product = "MariaDB" if "mariadb" in said.lower() else "MySQL"
    may_write = tuple(kind for kind in WRITING if kind in held)
    moment = now.replace(tzinfo=datetime.UTC)
    return ServerFacts(product, (int(major), int(minor)), encoding, zone, moment, bool(cipher), account, may_write)
