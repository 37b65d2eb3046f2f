"""Rows travel encrypted or not at all: a URL to another machine must demand TLS, one to this machine need not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from privacy.errors import UsageError
from stores.opening import open_source
from stores.tls import demand_tls, is_local

LOCAL = [
    "sqlite:///shop.sqlite",
    "duckdb:///shop.duckdb",
    "postgresql+psycopg://me:secret@localhost/shop",
    "postgresql+psycopg://me@127.0.0.1:5433/shop",
    "postgresql+psycopg://me@127.9.9.9/shop",
    "postgresql+psycopg://me@[::1]/shop",
    "postgresql+psycopg:///shop",
    "postgresql+psycopg:///shop?host=/var/run/postgresql",
    "postgresql+psycopg:///shop?host=localhost:5432&host=127.0.0.1:5433",
    "mysql+pymysql://me@LOCALHOST/shop",
    "mariadb+pymysql://me@/shop?unix_socket=/run/mysqld/mysqld.sock",
    "mssql+pyodbc://me@localhost/shop",
]
ELSEWHERE = [
    "postgresql+psycopg://me:secret@db.shop.example/shop",
    "postgresql+psycopg://me:secret@10.0.0.7/shop?sslmode=prefer",
    "postgresql+psycopg://me:secret@10.0.0.7/shop?sslmode=disable",
    "postgresql+psycopg://me:secret@localhost/shop?host=10.0.0.7",
    "postgresql+psycopg://me:secret@localhost/shop?hostaddr=10.0.0.7",
    "postgresql+psycopg://me:secret@/shop?host=localhost,db.shop.example",
    "postgresql+psycopg://me:secret@localhost.shop.example/shop",
    "postgresql+psycopg://me:secret@/shop?service=shop",
    "mysql+pymysql://me:secret@db.shop.example/shop",
    "mysql+pymysql://me:secret@db.shop.example/shop?ssl_check_hostname=false",
    "mariadb+pymysql://me:secret@[2001:db8::1]/shop",
    "mysql+pymysql://me:secret@db.shop.example/shop?ssl_ca=ca.pem&ssl_disabled=true",
    "mysql+pymysql://me:secret@db.shop.example/shop?ssl_ca=ca.pem&ssl_verify_cert=false",
    "mysql+pymysql://me:secret@db.shop.example/shop?ssl_ca=ca.pem&ssl_verify_identity=true",
    "mysql+pymysql://me:secret@/shop?read_default_file=/etc/my.cnf",
]
ENCRYPTED = [
    "postgresql+psycopg://me@db.shop.example/shop?sslmode=require",
    "postgresql+psycopg://me@db.shop.example/shop?sslmode=verify-full&sslrootcert=ca.pem",
    "mysql+pymysql://me@db.shop.example/shop?ssl_ca=ca.pem",
    "mariadb+pymysql://me@db.shop.example/shop?ssl_capath=/etc/ssl/certs",
]


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("url", LOCAL)
def test_on_this_machine_none_is_needed(url: str) -> None:
    assert is_local(sa.make_url(url))
    demand_tls(sa.make_url(url), "source")


@pytest.mark.parametrize("url", ENCRYPTED)
def test_a_url_that_demands_it_is_good(url: str) -> None:
    assert not is_local(sa.make_url(url))
    demand_tls(sa.make_url(url), "source")


@pytest.mark.parametrize("url", ELSEWHERE)
def test_elsewhere_it_is_demanded_in_words_that_hold_no_password(url: str) -> None:
    with pytest.raises(UsageError, match="on another machine, and the URL does not demand TLS") as refused:
        open_source(sa.make_url(url))
    assert "secret" not in str(refused.value)
    assert "sslmode=verify-full" in str(refused.value) or "ssl_ca=" in str(refused.value)


def test_a_driver_whose_options_are_not_known_needs_a_tunnel() -> None:
    with pytest.raises(UsageError, match="Reach the server through an encrypted tunnel"):
        open_source(sa.make_url("mssql+pyodbc://me:secret@db.shop.example/shop?Encrypt=no"))


def test_where_variables_name_the_server_or_its_transport_they_count(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = sa.make_url("postgresql+psycopg:///shop")
    monkeypatch.setenv("PGHOST", "db.shop.example")
    with pytest.raises(UsageError, match="does not demand TLS"):
        demand_tls(nowhere, "source")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    demand_tls(nowhere, "source")


@pytest.mark.parametrize("url", ["postgresql+psycopg://me@localhost/shop", "postgresql+psycopg:///shop?host=/run"])
@pytest.mark.parametrize(("name", "value"), [("PGHOSTADDR", "10.0.0.7"), ("PGSERVICE", "shop")])
def test_a_variable_by_which_a_local_name_leads_elsewhere_counts(
    url: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGSSLMODE", "prefer")
    with pytest.raises(UsageError, match="does not demand TLS"):
        demand_tls(sa.make_url(url), "source")
    demand_tls(sa.make_url(url).update_query_dict({"sslmode": "require"}), "source")


def test_an_address_in_the_url_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.7")
    assert is_local(sa.make_url("postgresql+psycopg://me@localhost/shop?hostaddr=127.0.0.1"))


def test_options_that_undo_what_others_demand_are_named() -> None:
    url = sa.make_url("mysql+pymysql://me@db.shop.example/shop?ssl_ca=ca.pem&ssl_disabled=1&ssl_verify_cert=0")
    with pytest.raises(UsageError, match="and take ssl_disabled, ssl_verify_cert out of it; a server on"):
        demand_tls(url, "source")


def test_a_database_that_nothing_here_speaks_is_told() -> None:
    with pytest.raises(UsageError, match="nothing here speaks nosuch"):
        open_source(sa.make_url("nosuch+driver://localhost/shop"))
