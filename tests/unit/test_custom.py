"""Functions of a user's own: what they may do, and that whatever else they do is refused without showing a value."""

from __future__ import annotations

import datetime
import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from pydantic import ValidationError

from privacy.errors import PolicyError, TreatmentError
from privacy.policy_file import read_policy
from privacy.treatments import Custom
from privacy.treatments.own_functions import code_digest
from tests import own_functions
from tests.corner_shop import POLICY
from tests.promised import treat, treatment
from tests.strategies import columns, integers, texts

NAME = "name: {type: text, role: direct_identifier, treatment: suppress}"


def custom(name: str, gives: str = "text", **more: Any) -> Custom:
    made = treatment(kind="custom", function=f"tests.own_functions:{name}", gives=gives, **more)
    assert isinstance(made, Custom)
    return made


def refusal(name: str, column: pa.Array, gives: str = "text") -> str:
    """Treat what must be refused, with nothing but the message left of the error; give it."""
    with pytest.raises(TreatmentError) as caught:
        treat(custom(name, gives), column)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)
    return str(caught.value)


# --- what a function may do


@given(columns(texts, pa.string()))
def test_a_function_treats_a_column_as_a_whole(column):
    assert treat(custom("shorten"), column) == [None if text is None else text[:3] for text in column.to_pylist()]


def test_a_function_sees_the_columns_beside_that_it_needs():
    how = custom("with_country", needs=["country"])
    assert treat(how, pa.array(["a", None, "b"]), country=pa.array(["NL", "BE", None])) == ["NL a", None, "? b"]


@pytest.mark.parametrize(
    ("name", "gives", "column", "expected"),
    [
        ("length", "integer", pa.array(["abc", None]), [3, None]),
        ("year", "integer", pa.array([datetime.date(2020, 2, 3), None]), [2020, None]),
        ("half", "double", pa.array([1.0, None]), [0.5, None]),
        ("as_objects", "text", pa.array([1, None]), ["1", None]),
        ("as_dates", "date", pa.array([1, None]), [datetime.date(2000, 1, 1), None]),
        ("as_decimals", "decimal(12,3)", pa.array([1, None]), [Decimal("1.234"), None]),
        ("shorten", "text", pa.array([None], pa.string()), [None]),
        ("raising", "text", pa.array([], pa.string()), []),
    ],
)
def test_a_result_is_read_as_the_type_that_it_is_declared_to_be(name, gives, column, expected):
    assert treat(custom(name, gives), column) == expected


@given(columns(integers, pa.int64(), max_size=5))
def test_a_result_that_follows_from_its_row_alone_is_taken_from_batches_of_any_size(column):
    treat(custom("as_objects"), column)


# --- what is refused, without a value


@pytest.mark.parametrize(
    ("name", "gives", "problem"),
    [
        ("too_short", "text", "gave 2 values for 3"),
        ("a_list", "text", "gave no pandas Series"),
        ("sorted_by_value", "text", "gave its values under another index or in another order than the column's"),
        ("all_missing", "text", "gave nothing for 2 values and something for 0 missing ones"),
        ("none_missing", "text", "gave nothing for 0 values and something for 1 missing ones"),
        ("shorten", "integer", "gave string[pyarrow] where integer is declared, or values that do not fit it"),
        ("length", "text", "gave int32[pyarrow] where text is declared"),
        ("length", "double", "gave int32[pyarrow] where double is declared"),
        ("mixed", "text", "gave object where text is declared"),
        ("as_decimals", "decimal(2,2)", "gave object where decimal(2,2) is declared, or values that do not fit it"),
        ("raising", "text", "raised builtins.KeyError on line LINE of its module; its message is withheld"),
        (
            "raising_unusually",
            "text",
            "raised tests.own_functions.Unusual on line LINE of its module; its message is withheld",
        ),
        (
            "raising_what_a_value_names",
            "text",
            "raised builtins.LookupError on line LINE of its module; its message is withheld",
        ),
        ("too_large", "integer", "gave object where integer is declared, or values that do not fit it"),
        ("leaving", "text", "raised builtins.SystemExit on line LINE of its module; its message is withheld"),
    ],
)
def test_a_function_that_does_not_give_what_it_owes_is_refused(name, gives, problem):
    said = refusal(name, pa.array(["a canary", "another canary", None]), gives)
    line = getattr(own_functions, name).__code__.co_firstlineno + 1
    assert said.startswith(f"tests.own_functions:{name} {problem.replace('LINE', str(line))}")
    assert said.endswith(".\n  Mend the function; docs/treatments.md says what it owes.")


def test_an_exception_is_told_by_the_last_line_of_the_module_that_it_passed():
    line = own_functions.raising.__code__.co_firstlineno + 1
    assert f"raised builtins.KeyError on line {line} of its module" in refusal("raising_deeper", pa.array(["a canary"]))


@pytest.mark.parametrize("name", ["numbered", "left_over", "ranked", "random"])
@pytest.mark.parametrize("rows", [2, 5, 5000])
def test_a_function_whose_results_depend_on_the_rest_of_the_batch_is_refused(name, rows):
    said = refusal(name, pa.array(range(rows)), "integer")
    assert "gave other results for a part of a batch than for the whole" in said


# --- what a policy refuses


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "tests.nowhere:shorten",
            r"cannot be imported \(ModuleNotFoundError\); put the folder of its module on PYTHON",
        ),
        ("tests.own_functions:nothing", "is no function of its module; write it as package.module:name"),
        ("tests.own_functions:NOT_CALLABLE", "is no function of its module"),
        ("tests.own_functions:one_argument", "does not take two arguments, the column and the columns beside it"),
        ("math:pow", "is in a module without source code"),
        ("shorten", "String should match pattern"),
    ],
)
def test_a_function_that_cannot_be_used_is_refused(function, message):
    with pytest.raises(ValidationError, match=message):
        treatment(kind="custom", function=function, gives="text")


def test_a_module_that_fails_is_refused_without_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_module.py").write_text("raise RuntimeError('canary')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValidationError, match=r"cannot be imported \(RuntimeError\)") as caught:
        treatment(kind="custom", function="broken_module:shorten", gives="text")
    assert "canary" not in str(caught.value)


def test_a_function_that_gives_a_timestamp_is_refused():
    with pytest.raises(ValidationError, match="a function gives no timestamp, because it does not know the time zone"):
        custom("shorten", "timestamp")


def corner_shop(treatment: str) -> str:
    """Give the corner shop's policy with another treatment of the buyer's name."""
    assert NAME in POLICY
    return POLICY.replace(NAME, f"name: {{type: text, role: direct_identifier, {treatment}}}")


SHORTEN = "treatment: {kind: custom, function: tests.own_functions:shorten, gives: text}"
PROMISED = f"{SHORTEN}, promises: [{{kind: matches, pattern: '.{{0,3}}'}}]"


def test_a_function_without_a_promise_is_refused():
    with pytest.raises(
        PolicyError, match=r"p.yaml:26: .*name: is treated by a function of your own and promises nothi"
    ):
        read_policy(corner_shop(SHORTEN), "p.yaml")


def test_a_column_that_a_function_needs_must_be_there():
    with pytest.raises(PolicyError, match="needs the column country beside it, which is not among the columns"):
        read_policy(corner_shop(PROMISED.replace("gives: text", "gives: text, needs: [country]")), "p.yaml")


def test_the_digest_of_a_policy_changes_with_the_code_of_its_functions_and_else_is_that_of_the_file():
    assert read_policy(POLICY, "p.yaml").digest == hashlib.sha256(POLICY.encode()).hexdigest()

    text = corner_shop(PROMISED)
    code = hashlib.sha256(Path(own_functions.__file__).read_bytes()).hexdigest()
    assert code_digest("tests.own_functions:shorten") == code
    assert read_policy(text, "p.yaml").digest == hashlib.sha256(f"{text}\n{code}".encode()).hexdigest()


def test_analysts_are_told_the_function_and_which_version_of_its_code():
    digest = code_digest("tests.own_functions:shorten")[:12]
    assert custom("shorten").told() == f"custom, function: tests.own_functions:shorten, gives: text, code: {digest}"
