"""How anything of ours connects to MariaDB or MySQL."""

from __future__ import annotations

import pymysql
import sqlalchemy as sa

from stores.patience import patiently

CONNECT_SECONDS = 10

SETTINGS = {
    "time_zone": "'+00:00'",
    "sql_mode": "'ANSI_QUOTES'",
    "lock_wait_timeout": "30",
    "wait_timeout": "28800",
    "net_write_timeout": "3600",
}
"""What is not left to the server's settings: how names are quoted, and for how long a reader may pause."""

STATEMENT_SECONDS = 4 * 60 * 60
"""How long one statement may take, where neither the server nor the account sets less."""


def connect(url: sa.URL, read_only: bool = True) -> pymysql.Connection:
    """Connect, in UTC; what reads only cannot write, and sees in a transaction what it saw at its beginning."""
    driver = url.set(drivername="mysql+pymysql")
    _, arguments = driver.get_dialect()().create_connect_args(driver)
    arguments = {**arguments, "charset": "utf8mb4", "connect_timeout": CONNECT_SECONDS, "autocommit": True}
    connection: pymysql.Connection = patiently(lambda: pymysql.connect(**arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"set {', '.join(f'session {name} = {value}' for name, value in SETTINGS.items())}")
        cursor.execute("set session transaction isolation level repeatable read")
        if read_only:
            cursor.execute("set session transaction read only")
            cursor.execute(_time_limit(is_mariadb(connection)))
    return connection


def is_mariadb(connection: pymysql.Connection) -> bool:
    """Tell MariaDB from MySQL."""
    return "mariadb" in str(connection.get_server_info()).lower()


def _time_limit(in_mariadb: bool) -> str:
    name = "max_statement_time" if in_mariadb else "max_execution_time"
    limit = STATEMENT_SECONDS if in_mariadb else STATEMENT_SECONDS * 1000
    return f"set session {name} = if(@@session.{name} = 0, {limit}, @@session.{name})"
