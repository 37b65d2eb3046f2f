"""What one writes by hand in an afternoon: pandas chunks, a salted hash a value, `to_sql` into SQLite.

It hashes the columns that the policy turns into tokens, cuts moments to days and copies the rest. It drops no
expired row, keeps no reference sound, checks nothing, and an unkeyed salted hash protects less than a token.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from pathlib import Path

from benchmarks.measure import Measured

CHUNK = 50_000
SALT = "pepper"


def measure(folder: Path) -> Measured:
    """Treat what the policy reads of each table."""
    measured = Measured()
    with measured.step("imports"):
        import pandas as pd

        from privacy.policy_file import read_policy
        from privacy.treatments import Pseudonymize
    policy = read_policy((folder / "policy.yaml").read_text(encoding="utf-8"), "policy.yaml")
    with sqlite3.connect(folder / "shop.sqlite") as source, sqlite3.connect(folder / "by_hand.sqlite") as to:
        for name, table in policy.in_order():
            if table.derived:
                continue
            columns = {c: spec for c, spec in table.columns.items() if spec.extracted}
            selected = ", ".join(f'"{table.source_of(c)}" as "{c}"' for c in columns)
            query = f'select {selected} from "{name}"'  # noqa: S608
            with measured.step(table.publish_as) as step:
                for chunk in pd.read_sql(query, source, chunksize=CHUNK):
                    for column, spec in columns.items():
                        if isinstance(spec.treatment, Pseudonymize):
                            chunk[column] = chunk[column].map(hashed, na_action="ignore")
                        elif spec.type.name == "timestamp":
                            chunk[column] = chunk[column].str[:10]
                    chunk.to_sql(table.publish_as, to, if_exists="append", index=False)
                    step.rows += len(chunk)
    return measured


def hashed(value: object) -> str:
    return hashlib.sha256(f"{SALT}{value}".encode()).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(measure(Path(sys.argv[1])).told() + "\n")
