"""How a warehouse lies in a PostgreSQL database: its schemas, its roles, and the lock that one run holds."""

from __future__ import annotations

from stores.warehouse import ANALYTICS, MARTS

META = "sluis_meta"
INDEX = "sluis_private"
QUARANTINE = "sluis_quarantine"
"""Beside `analytics` and `marts`: what is published says of itself; whose each row is; rows that were set aside."""

STAGED = {
    ANALYTICS: "sluis_staging",
    MARTS: "sluis_staging_marts",
    INDEX: "sluis_staging_private",
    QUARANTINE: "sluis_staging_quarantine",
}
"""The schema in which a candidate's tables stand until they are moved into the published one."""

SCRATCH = "sluis_staging_scratch"
"""Tables that are needed while a candidate is made, and go with it."""

RUN = f"{META}.run"
CANDIDATE_RUN = f"{META}.candidate"
"""The row on the run that was published; the one on the run that would be."""

WRITER = "sluis_writer"
READER = "sluis_reader"
"""Roles without a login: the owner of all of it; who reads what is published, and nothing else."""

HOLDER = 0x515157
"""The number of the advisory lock that a run holds."""

GRANTS_MISSING = f"""\
warehouse: its roles are not there, or the user of --warehouse may not act as them.
  Let an administrator of the database say once, with the names of both:
  create role {WRITER} nologin; create role {READER} nologin;
  grant connect, create, temporary on database WAREHOUSE to {WRITER};
  grant connect on database WAREHOUSE to {READER};
  grant {WRITER} to USER;"""
