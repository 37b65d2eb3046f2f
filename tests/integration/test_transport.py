"""Servers at an address that is not this machine's own: reached by TLS with their certificate, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

import tests.mariadb
import tests.postgres
from privacy.column_types import ColumnType
from privacy.errors import ConnectionLostError, StoreError, UsageError
from stores.opening import open_source
from stores.source import Reading
from tests.certificates import address_of_this_machine, certificate_for
from tests.conftest import Place, run_in_process
from tests.elsewhere import Elsewhere, moved

pytestmark = pytest.mark.long

KINDS = ("postgresql", "mariadb")


@dataclass(frozen=True)
class Far:
    """A database that is reached by an address, and the certificate of its server."""

    url: sa.URL
    certificate: Path

    def trusting(self, certificate: Path) -> sa.URL:
        """Give the URL that demands this certificate."""
        if self.url.get_backend_name() == "postgresql":
            return self.url.update_query_dict({"sslmode": "verify-full", "sslrootcert": str(certificate)})
        return self.url.update_query_dict({"ssl_ca": str(certificate)})


def postgresql(folder: Path, address: str, certificate: Path | None) -> Iterator[sa.URL]:
    programs = tests.postgres.of_the_machine() if certificate else None
    with (
        tests.postgres.running(folder, programs) as server,
        tests.postgres.reached_by(address, server, certificate) as url,
    ):
        yield url


def mariadb(folder: Path, address: str, certificate: Path | None) -> Iterator[sa.URL]:
    with tests.mariadb.running(folder, address, certificate) as server:
        if server.port is None:
            pytest.skip(f"{tests.mariadb.URL} names a server whose certificate is not known here")
        server.execute(f"create user far@'{address}' identified by 'secret'{' require ssl' if certificate else ''}")
        server.execute(f"grant all on *.* to far@'{address}'")
        server.execute("create database far")
        yield sa.make_url(f"mysql+pymysql://far:secret@{address}:{server.port}/far")


@pytest.fixture(scope="module", params=KINDS)
def encrypted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    """Run a server of each kind that speaks TLS at an address that is not local, and nothing else there."""
    address, folder = address_of_this_machine(), tmp_path_factory.mktemp("encrypted")
    certificate = certificate_for(address, folder / "certificate")
    for url in globals()[request.param](folder, address, certificate):
        far = Far(url, certificate)
        engine = sa.create_engine(far.trusting(certificate), poolclass=sa.pool.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("create table t (i integer primary key)")
            connection.exec_driver_sql("insert into t values (1)")
        yield far


@pytest.fixture(scope="module", params=KINDS)
def in_clear(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    """Run a server of each kind that does not speak TLS at all."""
    address, folder = address_of_this_machine(), tmp_path_factory.mktemp("in_clear")
    for url in globals()[request.param](folder, address, None):
        yield Far(url, certificate_for(address, folder / "certificate"))


def test_without_tls_in_the_url_nobody_connects(encrypted: Far) -> None:
    with pytest.raises(UsageError, match="on another machine, and the URL does not demand TLS"):
        open_source(encrypted.url)


def test_with_its_certificate_rows_are_read_and_travel_encrypted(encrypted: Far) -> None:
    source = open_source(encrypted.trusting(encrypted.certificate))
    assert source.facts().encrypted  # type: ignore[attr-defined]
    with source.snapshot() as snapshot:
        batches = list(snapshot.batches(Reading("t", {"i": ColumnType("integer")}), 10))
    assert batches[0].column("i").to_pylist() == [1]


@pytest.mark.parametrize("of", ["somebody else", "another address"])
def test_a_certificate_that_is_not_its_own_is_refused(encrypted: Far, of: str, tmp_path: Path) -> None:
    if of == "somebody else":
        url = encrypted.trusting(certificate_for(str(encrypted.url.host), tmp_path / "others"))
    elif encrypted.url.get_backend_name() == "postgresql":
        far = encrypted.trusting(encrypted.certificate)
        url = far.set(host="shop.example.org").update_query_dict({"hostaddr": str(far.host)})
    else:
        pytest.skip("PyMySQL connects to no other name than the one that it compares")
    with pytest.raises(ConnectionLostError, match=r"could not be made .*\n.*with TLS, its certificate"):
        open_source(url).schema()


def test_a_server_that_speaks_no_tls_is_not_talked_to_in_clear(in_clear: Far) -> None:
    with pytest.raises(StoreError, match=r"with TLS, its certificate|its server speaks no TLS"):
        open_source(in_clear.trusting(in_clear.certificate)).schema()


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("encrypted", ["postgresql"], indirect=True)
def test_a_run_goes_all_its_way_by_tls(encrypted: Far, place: Place, tmp_path: Path) -> None:
    by_tls = encrypted.trusting(encrypted.certificate)
    engine = sa.create_engine(by_tls, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        for name in ("far_shop", "far_warehouse"):
            connection.exec_driver_sql(f"create database {name}")
    shop: Elsewhere = moved(place, tmp_path, by_tls.set(database="far_shop"))
    stored = by_tls.set(database="far_warehouse").render_as_string(hide_password=False)
    environment = {**shop.environment, "SLUIS_WAREHOUSE": stored, "SLUIS_LEDGER": stored}

    ran = run_in_process("run", "--output", "json", **environment)
    looked = run_in_process("doctor", "--output", "json", **environment)

    assert ran.exit_code == 0, ran.said
    found = {check["name"]: check["found"] for check in looked.json.get("checks") or looked.json["error"]["checks"]}
    assert found["source server"].endswith(", encrypted")
    clear = encrypted.url.set(database="far_warehouse").render_as_string(hide_password=False)
    for variable in ("SLUIS_WAREHOUSE", "SLUIS_LEDGER"):
        refused = run_in_process("run", "--output", "json", **{**environment, variable: clear})
        assert (refused.exit_code, refused.json["error"]["kind"]) == (2, "usage"), refused.said
