"""Who may what in a warehouse in PostgreSQL: its roles and schemas, made once, and what stands in their way."""

from __future__ import annotations

from collections.abc import Iterable

from privacy.errors import StoreError
from stores.warehouse import ANALYTICS, MARTS
from stores.warehouse.postgresql_layout import (
    CANDIDATE_RUN,
    GRANTS_MISSING,
    INDEX,
    META,
    QUARANTINE,
    READER,
    SCRATCH,
    STAGED,
    WRITER,
)
from stores.warehouse.postgresql_session import Session

READ = (ANALYTICS, MARTS)
PUBLISHED = (*READ, META, INDEX, QUARANTINE)
MADE_ANEW = (*STAGED.values(), SCRATCH)

_MAY = f"""\
select pg_has_role('{WRITER}', 'member') and has_database_privilege('{WRITER}', current_database(), 'create')
where (select count(*) from pg_roles where rolname in ('{WRITER}', '{READER}')) = 2"""


def prepare(session: Session) -> None:
    """Make roles and schemas where they are missing; leave empty those of a candidate, whoever was killed in them.

    StoreError where somebody else's stand in the way, or where an administrator has to grant rights first.
    """
    if session.rows(_MAY) != [(True,)]:
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
    if found := _views_on_ours(session):
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


def named(names: Iterable[str]) -> str:
    """Name some things."""
    return ", ".join(sorted(names))


def _make_roles(session: Session) -> None:
    """Make the roles, as a user who may: the owner of the database that may create roles, or a superuser."""
    refused = False
    session.execute("set role none")
    try:
        for role in (WRITER, READER):
            if not session.rows("select 1 from pg_roles where rolname = %s", [role]):
                session.execute(f"create role {role} nologin")
        ((database,),) = session.rows("select quote_ident(current_database())")
        session.execute(
            f"grant connect, create, temporary on database {database} to {WRITER}; "
            f"grant connect on database {database} to {READER}; grant {WRITER} to session_user"
        )
    except StoreError:
        refused = True
    if refused or session.rows(_MAY) != [(True,)]:
        raise StoreError(GRANTS_MISSING)


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


def _views_on_ours(session: Session) -> list[str]:
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
