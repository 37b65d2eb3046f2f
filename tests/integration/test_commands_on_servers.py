"""The commands on a shop that is on a server: as on one in a file, and nowhere the password of its account."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import tests.mariadb
from privacy.column_types import ColumnType
from privacy.errors import StoreError
from stores.opening import open_source
from stores.source import Reading
from tests.conftest import Command, Place
from tests.elsewhere import Elsewhere, moved
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

pytestmark = pytest.mark.long

PASSWORD = "pass%40word-canary"


@pytest.fixture
def shop(place: Place, server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    """Give the corner shop as an account with a password sees it, which may only read."""
    made = moved(place, tmp_path, server.new_database())
    name, secret = f"canary_{made.url.database}", PASSWORD.replace("%40", "@")
    if made.url.get_backend_name() == "postgresql":
        made.change_source(
            f"create role {name} login password '{secret}'",
            f"grant select on all tables in schema public to {name}",
        )
    else:
        made.change_source(
            f"create user {name}@localhost identified by '{secret}'",
            f"grant select, lock tables on {made.url.database}.* to {name}@localhost",
        )
    return Elsewhere(tmp_path, made.url.set(username=name, password=secret))


def test_check_plan_and_run_work_and_tell_no_password(shop: Elsewhere, sluis: Command) -> None:
    for command in (("check",), ("plan", "--output", "json"), ("run", "--output", "json"), ("doctor",)):
        outcome = sluis(*command, **shop.environment)
        assert outcome.exit_code in (0, 3 if command == ("doctor",) else 0), outcome.said
        assert "canary" not in outcome.said.lower().replace(f"canary_{shop.url.database}", "")
    assert shop.rows("select count(*) from analytics.sales") == [(5,)]
    kept = [path for path in shop.folder.rglob("*") if path.is_file()]
    assert not any(b"word-canary" in path.read_bytes() for path in kept)


def test_a_wrong_password_is_told_without_it(shop: Elsewhere, sluis: Command) -> None:
    wrong = Elsewhere(shop.folder, shop.url.set(password="wrong-canary", database="nosuch"))
    outcome = sluis("check", **wrong.environment)
    assert outcome.exit_code == 3
    assert "Check --source" in outcome.said
    assert "wrong-canary" not in outcome.said


def test_drift_on_a_server_is_found_with_its_type(
    server: PostgresServer | MariadbServer, place: Place, sluis: Command
) -> None:
    made = moved(place, place.folder, server.new_database())
    made.change_source("alter table buyer add column weight_at_birth time")
    outcome = sluis("check", **made.environment)
    assert outcome.exit_code == 4
    assert "buyer.weight_at_birth: in the source, but not in" in outcome.said
    assert "which no type of a policy reads. List it under tables.buyer.never_extracted." in outcome.said


# --- transport


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for this machine, signed by itself, and its key beside it."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")]), datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    (folder / "key.pem").write_bytes(written)
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "certificate.pem"


@pytest.fixture(scope="module")
def encrypted(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.URL]:
    """Run a MariaDB that speaks TLS on a port; give the URL of a database in it."""
    with tests.mariadb.running(tmp_path_factory.mktemp("encrypted"), certificate) as server:
        if server.port is None:
            pytest.skip(f"{tests.mariadb.URL} names a server whose certificate is not known here")
        for statement in (
            "create user tls@'127.0.0.1' identified by 'secret' require ssl",
            "create database tls",
            "create table tls.t (i integer primary key)",
            "insert into tls.t values (1)",
            "grant select on tls.* to tls@'127.0.0.1'",
        ):
            server.execute(statement)
        yield sa.make_url(f"mysql+pymysql://tls:secret@127.0.0.1:{server.port}/tls")


def test_a_certificate_is_checked_and_rows_travel_encrypted(encrypted: sa.URL, certificate: Path) -> None:
    trusted = encrypted.update_query_dict({"ssl_ca": str(certificate)})
    source = open_source(trusted)
    assert source.facts().encrypted
    with source.snapshot() as snapshot:
        batches = list(snapshot.batches(Reading("t", {"i": ColumnType("integer")}), 10))
    assert batches[0].column("i").to_pylist() == [1]


def test_a_certificate_of_somebody_else_is_refused(encrypted: sa.URL) -> None:
    others = encrypted.update_query_dict({"ssl_ca": ssl.get_default_verify_paths().cafile or "/etc/ssl/cert.pem"})
    with pytest.raises(StoreError, match=r"the connection was lost, or could not be made .*\n.*certificate"):
        open_source(others).schema()
