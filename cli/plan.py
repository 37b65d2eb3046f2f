"""`sluis plan`: what would `sluis run` do?"""

from __future__ import annotations

import datetime
import os
from typing import Annotated, Any

import typer

from cli.answer import answer
from cli.options import AsOf, Output, OutputAs, Strict, common
from cli.plan_shown import render_plan, render_sample
from cli.progress import progress_shown
from privacy.policy_file import read_policy
from privacy.sample import sample
from stores.settings import VARIABLES, Settings, read_text, require
from tasks.plan_refresh import plan_refresh

Sample = Annotated[
    int | None,
    typer.Option(
        "--sample",
        min=1,
        max=100,
        metavar="N",
        help="Show N invented rows of each table before and after treatment instead; only the policy is read.",
    ),
]


@common
def plan(as_of: AsOf = None, sample: Sample = None, strict: Strict = False, output: OutputAs = Output.text) -> None:
    """Decide every row as `sluis run` would, and tell what would become of tables, columns and rows. Writes nothing.

    The hash is the same as long as a run would do the same: it covers policy, key, day, and the source's columns and
    rows. What differs from the last published run is said in words.

    Exit codes: 0 planned · 2 policy, key or usage · 3 source or ledger cannot be read · 4 the source drifted from the
    policy, so that a run would stop · 5 replay owed, or a ledger older than the warehouse · 6 warnings under --strict.
    """
    if sample:
        answer(output, lambda: _sample(sample), render_sample, strict)
    else:
        answer(output, lambda: _plan(output, as_of), render_plan, strict)


def _plan(output: Output, as_of: datetime.date | None) -> dict[str, Any]:
    settings = Settings.from_environment(os.environ)
    with progress_shown(output):
        return plan_refresh(settings, as_of).as_json()


def _sample(rows: int) -> dict[str, Any]:
    require(os.environ, "policy")
    path = os.environ[VARIABLES["policy"]]
    policy = read_policy(read_text(path, "policy"), path)
    treatments = {
        table.publish_as: {name: column.treatment.told() for name, column in table.columns.items()}
        for table in policy.tables.values()
    }
    return {"sample": sample(policy, rows), "treatments": treatments}
