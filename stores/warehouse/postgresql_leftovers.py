"""Where a server may still hold what has left a warehouse, and until when, as far as it can be asked: in words."""

from __future__ import annotations

from collections.abc import Iterator

from stores.warehouse.postgresql_session import Session

SETTINGS = ("archive_mode", "wal_keep_size", "max_slot_wal_keep_size", "checkpoint_timeout", "autovacuum")

_SETTINGS = f"select name, current_setting(name) from pg_settings where name in {SETTINGS}"
_FOLLOWERS = "select (select count(*) from pg_stat_replication), (select count(*) from pg_replication_slots)"

TABLES = (
    "Tables: nothing of whoever was erased or restricted. That makes new ones, and the files of the old ones are "
    "deleted when it commits. Of rows that an incremental refresh replaced, or let leave because the shop changed or "
    "deleted them: bytes in free room of their pages, until another row is written there, at the latest until the "
    "next full refresh, which makes new tables, too."
)
STATISTICS = (
    "Statistics (pg_statistic): samples of the columns of tables that are gone, as dead rows, until {}. Of the private "
    "index and of quarantine none were ever taken."
)
WAL = (
    "Write-ahead log: what was written, until its files are written over: after a checkpoint (each {checkpoint_timeout}"
    " at the latest), as the server writes more, and not before wal_keep_size ({wal_keep_size}) is exceeded{slots}."
)
SLOTS = "; {} replication slots may hold it back (max_slot_wal_keep_size: {}; -1 is without end)"
ARCHIVED = (
    "Archive of the write-ahead log: archive_mode is {}; what is archived stays until whoever keeps the archive "
    "destroys it."
)
NOT_ARCHIVED = "Archive of the write-ahead log: none now (archive_mode is off)."
REPLICAS = "Replicas: {} follow now; they drop the tables as this server does, and have a write-ahead log of their own."
BACKUPS = (
    "Backups, dumps and snapshots of the server, replicas that do not follow, and copies that readers made: until "
    "whoever keeps them destroys them. After one is put back, `sluis replay` takes out again whoever had left."
)
DISK = "The disk: blocks of deleted files, until the file system writes over them."


def leftovers(session: Session) -> Iterator[str]:
    """Tell it place by place."""
    settings = dict(session.rows(_SETTINGS))
    ((followers, slots),) = session.rows(_FOLLOWERS)
    yield TABLES
    swept = settings["autovacuum"] == "on"
    yield STATISTICS.format("autovacuum sweeps them" if swept else "somebody vacuums: autovacuum is off")
    held = SLOTS.format(slots, settings["max_slot_wal_keep_size"]) if slots else ""
    yield WAL.format(slots=held, **settings)
    yield NOT_ARCHIVED if settings["archive_mode"] == "off" else ARCHIVED.format(settings["archive_mode"])
    yield REPLICAS.format(followers)
    yield BACKUPS
    yield DISK
