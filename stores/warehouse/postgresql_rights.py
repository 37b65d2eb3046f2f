"""Who may what in a warehouse in PostgreSQL: its roles and schemas, made once, and what stands in their way."""

from __future__ import annotations

from collections.abc import Iterable

from privacy.errors import StoreError
from stores.warehouse import ANALYTICS, INDEX, MARTS, QUARANTINE
from stores.warehouse.postgresql_layout import (
    CANDIDATE_RUN,
    GRANTS_MISSING,
    META,
    READER,
    SCRATCH,
    STAGED,
    WRITER,
)
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_trouble import PostgreSQLError

READ = (ANALYTICS, MARTS)
PUBLISHED = (*READ, META, INDEX, QUARANTINE)
MADE_ANEW = (*STAGED.values(), SCRATCH)

_MAY = f"""\
select pg_has_role(session_user, '{WRITER}', 'member')
    and has_database_privilege('{WRITER}', current_database(), 'create')
    and has_database_privilege('{WRITER}', current_database(), 'temporary')
where (select count(*) from pg_roles where rolname in ('{WRITER}', '{READER}')) = 2"""


def may_write(session: Session) -> bool:
    """Tell whether the roles are there, and a session's user may make a warehouse as the writer."""
    return session.rows(_MAY) == [(True,)]


def prepare(session: Session) -> None:
    """Make roles and schemas where they are missing; leave empty those of a candidate, whoever was killed in them.

    StoreError where somebody else's stand in the way, or where an administrator has to grant rights first.
    """
    if not may_write(session):
        _make_roles(session)
    session.become_writer()
    refuse_what_is_of_others(session)
    refuse_views(session)
    with session.transaction():
        session.execute(f"drop schema if exists {', '.join(MADE_ANEW)} cascade")
        for schema in (*PUBLISHED, *MADE_ANEW):
            session.execute(f"create schema if not exists {schema}; revoke all on schema {schema} from public")
        session.execute(f"drop table if exists {CANDIDATE_RUN}")
        for schema in READ:
            session.execute(f"alter default privileges in schema {schema} grant select on tables to {READER}")


def refuse_what_is_of_others(session: Session) -> None:
    """Refuse schemas, tables and views that are not ours, where a publish would have to take their place."""
    if found := _of_others(session):
        raise StoreError(
            f"warehouse: {named(found)} stand where a warehouse of Sluis would, are not its own, and are not "
            "overwritten.\n  Name another database with --warehouse, or move them away."
        )


def refuse_views(session: Session) -> None:
    """Refuse views elsewhere that read published tables, under which PostgreSQL lets no table go."""
    if found := views_on_published(session):
        raise StoreError(
            f"warehouse: {named(found)} are views on published tables, which each run replaces.\n"
            "  Drop them, and make them again after the run; or ask for what they show as a mart."
        )


def let_read(session: Session) -> None:
    """Let the readers read all that is published, and nothing else."""
    schemas = ", ".join(READ)
    session.execute(
        f"grant usage on schema {schemas} to {READER}; grant select on all tables in schema {schemas} to {READER}"
    )


def keep_out(session: Session) -> None:
    """Let the readers read nothing until a publish lets them."""
    schemas = ", ".join(READ)
    session.execute(
        f"revoke all on schema {schemas} from {READER}; revoke all on all tables in schema {schemas} from {READER}"
    )


def named(names: Iterable[str]) -> str:
    """Name some things."""
    return ", ".join(sorted(names))


def reached_by_readers(session: Session) -> list[str]:
    """Name what a reader can reach that is not published, or can do beside reading."""
    return [name for (name,) in session.rows(_REACHED, [list(READ)] * 3)]


def left_by_runs(session: Session) -> list[str]:
    """Name the schemas of a candidate that are there."""
    found = session.rows("select nspname::text from pg_namespace where nspname = any(%s)", [list(MADE_ANEW)])
    return [name for (name,) in found]


def _make_roles(session: Session) -> None:
    """Make the roles, as a user who may: the owner of the database that may create roles, or a superuser."""
    refused = False
    session.execute("set role none")
    try:
        for role in (WRITER, READER):
            if not session.rows("select 1 from pg_roles where rolname = %s", [role]):
                session.execute(_MAKE_ROLE.format(role))
        ((database,),) = session.rows("select quote_ident(current_database())")
        session.execute(
            f"grant connect, create, temporary on database {database} to {WRITER}; "
            f"grant connect on database {database} to {READER}; grant {WRITER} to session_user"
        )
    except PostgreSQLError:
        refused = True
    if refused or not may_write(session):
        raise StoreError(GRANTS_MISSING)


_MAKE_ROLE = """\
do $$ begin create role {} nologin; exception when duplicate_object or unique_violation then null; end $$"""
"""Roles are the whole server's: the first run in another of its databases may be making them at this moment."""


def _of_others(session: Session) -> list[str]:
    """Name what is not the writer's in the schemas of a warehouse: the schemas, or tables and views in them."""
    ours = [*PUBLISHED, *MADE_ANEW]
    found = session.rows(
        "select nspname::text from pg_namespace where nspname = any(%s) and pg_get_userbyid(nspowner) <> %s "
        "union select nspname || '.' || relname from pg_class join pg_namespace n on n.oid = relnamespace "
        "where nspname = any(%s) and relkind <> 'i' and (pg_get_userbyid(relowner) <> %s or relkind <> 'r')",
        [ours, WRITER, ours, WRITER],
    )
    return [name for (name,) in found]


def views_on_published(session: Session) -> list[str]:
    """Name the views elsewhere that read a published table."""
    found = session.rows(
        "select distinct n.nspname || '.' || v.relname from pg_depend d "
        "join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid "
        "join pg_class v on v.oid = r.ev_class join pg_namespace n on n.oid = v.relnamespace "
        "join pg_class t on t.oid = d.refobjid join pg_namespace p on p.oid = t.relnamespace "
        "where d.refclassid = 'pg_class'::regclass and p.nspname = any(%s) and v.oid <> t.oid",
        [list(PUBLISHED)],
    )
    return [name for (name,) in found]


_SOMEBODYS = "nspname !~ '^pg_' and nspname <> 'information_schema'"

_REACHED = f"""\
with reader as (select oid from pg_roles where rolname = '{READER}'),
there as (
    select c.oid, nspname, nspname || '.' || relname as name from pg_class c join pg_namespace n on n.oid = relnamespace
    where relkind in ('r', 'p', 'v', 'm', 'f') and {_SOMEBODYS}
)
select name from there, reader where nspname <> all(%s) and has_schema_privilege(reader.oid, nspname, 'usage')
    and has_table_privilege(reader.oid, there.oid, 'select, insert, update, delete, truncate')
union select 'changes in ' || name from there, reader where nspname = any(%s)
    and has_table_privilege(reader.oid, there.oid, 'insert, update, delete, truncate')
union select 'tables in schema ' || nspname from pg_namespace, reader
    where {_SOMEBODYS} and has_schema_privilege(reader.oid, pg_namespace.oid, 'create')
union select 'role ' || rolname from pg_roles, reader
    where rolname <> '{READER}' and pg_has_role(reader.oid, pg_roles.oid, 'member')
union select name || ', which it cannot read' from there, reader where nspname = any(%s)
    and has_schema_privilege(reader.oid, nspname, 'usage') and not has_table_privilege(reader.oid, there.oid, 'select')
order by 1"""
