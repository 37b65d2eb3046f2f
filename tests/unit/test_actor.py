"""Who acts: the system's user, unless somebody is stated."""

from __future__ import annotations

import os
import pwd

import pytest

from privacy.errors import UsageError
from stores.actor import Actor, acting


def test_without_a_statement_it_is_the_user_of_the_process() -> None:
    assert acting({}) == Actor(pwd.getpwuid(os.getuid()).pw_name, "operating_system")


def test_variables_that_anybody_can_set_do_not_pass_for_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")

    assert acting(os.environ) == acting({})


def test_whoever_is_stated_is_known_by_statement_only() -> None:
    assert acting({"SLUIS_ACTOR": " anna "}) == Actor("anna", "stated")


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_an_empty_statement_states_nobody(blank: str) -> None:
    assert acting({"SLUIS_ACTOR": blank}).basis == "operating_system"


@pytest.mark.parametrize("name", ["x" * 101, "anna\nbert", "anna\x1b[2J"])
def test_what_is_no_name_is_refused_without_being_quoted(name: str) -> None:
    with pytest.raises(UsageError, match="SLUIS_ACTOR is no name") as refused:
        acting({"SLUIS_ACTOR": name})

    assert name not in str(refused.value)
