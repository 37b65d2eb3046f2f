"""The clean-error layer against real errors of each library: what they quote does not get past it, in any way."""

from __future__ import annotations

import io
import logging
import pickle
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from prefect.serializers import PickleSerializer
from prefect.states import Failed

from privacy.errors import SluisError
from privacy.leak_proof import leak_proof
from tests.byte_search import Search, unbroken
from tests.postgres import PostgresServer
from tests.quoting import EMAIL, QUOTING

SEARCH = Search({"e-mail": [EMAIL]})


def raised_by(provoke: Callable[[], None]) -> Exception:
    try:
        provoke()
    except ModuleNotFoundError as missing:
        pytest.skip(f"{missing.name} is not installed, and Sluis works without it")
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def logged(error: BaseException) -> str:
    """Give what a logger writes of an exception, with its traceback, causes and contexts."""
    heard = io.StringIO()
    logger = logging.Logger("of this test")
    logger.addHandler(logging.StreamHandler(heard))
    logger.error("It failed: %s %r", error, error, exc_info=error)
    return heard.getvalue()


def kept_of(error: Exception) -> dict[str, bytes]:
    """Give an exception in every form in which something of it can stay."""
    state = Failed(message=str(error), data=error)
    return {
        "text": str(error).encode(),
        "repr": repr(error).encode(),
        "arguments": repr(error.args).encode(),
        "attributes": repr(vars(error)).encode(),
        "pickle": pickle.dumps(error),
        "in result storage": PickleSerializer().dumps(error),
        "state": state.model_dump_json(exclude={"data"}).encode(),
        "log": logged(error).encode(),
        "notes": repr(getattr(error, "__notes__", "")).encode(),
    }


def guarded(provoke: Callable[[], None]) -> SluisError:
    try:
        leak_proof(provoke)()
    except SluisError as error:
        return error
    raise AssertionError("it raised nothing")


def refuse_a_leak(provoke: Callable[[], None]) -> None:
    error = guarded(provoke)

    assert (error.__cause__, error.__context__) == (None, None)
    found = {form: SEARCH.find(data) | SEARCH.find(unbroken(data)) for form, data in kept_of(error).items()}
    assert {form: places for form, places in found.items() if places} == {}
    assert "tests/quoting.py" not in logged(error), "frames of what failed are still there"
    assert "\n  " in str(error), "a way out is missing"


@pytest.mark.parametrize("library", QUOTING)
def test_the_library_quotes_the_value_and_the_clean_error_does_not(library: str) -> None:
    raw = raised_by(QUOTING[library])

    assert EMAIL in " ".join((str(raw), repr(raw), repr(raw.args), logged(raw))), "this error proves nothing"
    refuse_a_leak(QUOTING[library])


@pytest.mark.parametrize("through", ["psycopg", "sqlalchemy"])
def test_what_postgresql_itself_says_of_a_row_is_not_told(postgres: PostgresServer, through: str) -> None:
    """The server adds: DETAIL: Key (email)=(…) already exists."""
    url = postgres.new_database()
    postgres.execute("create table person (email text primary key)", url)

    def by_sqlalchemy() -> None:
        engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.pool.NullPool)
        with engine.begin() as connection:
            for _ in range(2):
                connection.execute(sa.text("insert into person values (:email)"), {"email": EMAIL})

    def by_psycopg() -> None:
        import psycopg

        with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
            for _ in range(2):
                connection.execute("insert into person values (%s)", [EMAIL])

    provoke = {"psycopg": by_psycopg, "sqlalchemy": by_sqlalchemy}[through]

    assert EMAIL in str(raised_by(provoke))
    refuse_a_leak(provoke)
