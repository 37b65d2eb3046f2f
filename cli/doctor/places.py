"""The places that settings name: policy, source and ledger; and the clock and time zones that runs go by."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa

from cli.doctor.findings import OUT_OF_ORDER, Check, Environment, Finding, bad, doubtful, good
from privacy.local_dates import local_dates
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.world import local_date
from stores.ledger import look_at_ledger
from stores.opening import open_source, refuse_other_warehouses
from stores.settings import EMBEDDED, VARIABLES, Settings, database_url, file_of, read_text
from stores.sqlite_source import SqliteSource
from tasks.standing import SLACK


def settings(environment: Environment) -> Finding:
    """See whether all five are set, name five things, and a warehouse that can be one."""
    refuse_other_warehouses(Settings.from_environment(environment).warehouse)
    return good("all five are set")


def policy(environment: Environment) -> Finding:
    """Read and check the policy."""
    read = policy_of(environment)
    return good(f"version {read.version}, {len(read.tables)} tables")


def time_zone(environment: Environment) -> Finding:
    """See whether the policy's time zone is known, and gives one date in both ways in which dates are taken."""
    zone, noon = policy_of(environment).time_zone, datetime.datetime(2026, 7, 1, 23, 30, tzinfo=datetime.UTC)
    by_column = local_dates(pa.array([noon], pa.timestamp("us", tz=zone)))[0].as_py()
    if by_column == local_date(noon, zone):
        return good(zone)
    return bad(f"{zone}: two sets of time zone data disagree", "Install the system's newest tzdata.", OUT_OF_ORDER)


def source(environment: Environment) -> Finding:
    """Open the source, for reading only, and read its schema."""
    schema = open_source(database_url("source", environment)).schema()
    return good(f"{len(schema)} tables, opened for reading only")


def journal_mode(environment: Environment) -> Finding:
    """See whether the shop can write while a run reads."""
    mode = SqliteSource(database_url("source", environment)).journal_mode()
    if mode == "wal":
        return good("wal: the shop writes while a run reads")
    return doubtful(
        f"{mode}: the shop cannot write while a run reads",
        "Set the shop's database to `pragma journal_mode = wal`, or name a copy of it with --source.",
    )


def ledger(environment: Environment) -> Finding:
    """Read the ledger, without making one."""
    url = database_url("ledger", environment)
    found = look_at_ledger(url)
    last = found and found.runs.last_published("refresh")
    if last:
        return good(f"last published by run {last.run_id}")
    in_file = url.get_backend_name() in EMBEDDED
    if in_file and not (folder := file_of(url, "ledger").absolute().parent).is_dir():
        return bad(f"there is no folder {folder}", "Make it, or name another file with --ledger.")
    return good("nothing published yet")


def clock(environment: Environment) -> Finding:
    """Compare the clock with what was written before now."""
    now = datetime.datetime.now(datetime.UTC)
    files = {"the policy": Path(environment[VARIABLES["policy"]])}
    if (url := database_url("source", environment)).get_backend_name() in EMBEDDED:
        files["the source"] = file_of(url, "source")
    written = {what: _changed(file) for what, file in files.items() if file.exists()}
    found = look_at_ledger(database_url("ledger", environment))
    if last := found and found.runs.last_published("refresh"):
        written["the last published run"] = last.started_at.replace(tzinfo=datetime.UTC)
    if later := [what for what, moment in written.items() if moment > now + SLACK]:
        return bad(
            f"{now:%Y-%m-%d %H:%M} UTC, before {' and '.join(later)}",
            "Set the clock: clocks of rows would run wrongly, and new rows be set aside as lying in the future.",
            OUT_OF_ORDER,
        )
    return good(f"{now:%Y-%m-%d %H:%M} UTC")


def _changed(path: Path) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)


def policy_of(environment: Environment) -> Policy:
    """Read the policy; PolicyError where it is wrong."""
    path = environment[VARIABLES["policy"]]
    return read_policy(read_text(path, "policy"), path)


CHECKS = (
    Check("settings", settings),
    Check("policy", policy, ("policy",)),
    Check("time zone", time_zone, ("policy",), after=("policy",)),
    Check("source", source, ("source",)),
    Check("journal mode", journal_mode, ("source",), after=("source",), of="sqlite"),
    Check("ledger", ledger, ("ledger",)),
    Check("clock", clock, ("policy", "source", "ledger"), after=("ledger",)),
)
