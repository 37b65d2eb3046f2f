"""What may be deleted in the source: its rows are read, and of each is decided until when it stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from expectations.source import find_drift, refuse_drift
from privacy.column_types import ColumnType
from privacy.content import Content
from privacy.fates import Days
from privacy.key_index import Mask
from privacy.keys import SubjectKeys
from privacy.policy import Policy
from privacy.retention import day_number
from privacy.source_plan import SourcePlan, SourceTable
from privacy.source_retention import SourceRetention
from privacy.source_rows import Positions, Reference, SourceRows, columns_wanted, references
from privacy.world import World
from stores.ledger import Ledger
from stores.source import Reading, Schema, Source, foreign_keys
from tasks.extraction import LISTENER, Extraction
from tasks.protection import Protection, protection


@dataclass(frozen=True)
class TableRead:
    """What was read of a table, and which of its rows are protected by themselves."""

    rows: SourceRows
    held: Mask
    restricted: Mask


def plan_source(source: Source, world: World, subject_keys: SubjectKeys, ledger: Ledger) -> SourcePlan:
    """Plan the deletion on the day of the clocks; DriftError where the source is not what the policy describes."""
    policy, schema = world.policy, source.schema()
    refuse_drift(policy, find_drift(policy, schema))
    with source.snapshot() as snapshot:
        extraction = Extraction(world, snapshot, LISTENER.get())
        protected = protection(extraction, schema, ledger, subject_keys)
        read, retention = read_source(extraction, schema, protected)
    restricted = with_children(policy, retention, read)
    stays = retention.stays({name: table.held | restricted[name] for name, table in read.items()})
    day = day_number(world.as_of)
    doomed = {name: _keys(read[name].rows, stays[name].until, day) for name in retention.order}
    tables = {
        name: SourceTable.of(stays[name], read[name].held, restricted[name], world.as_of, _content(world, name, keys))
        for name, keys in doomed.items()
    }
    return SourcePlan(world.as_of, policy.digest, tables, doomed, (*protected.warnings, *_doubts(policy)))


def read_source(
    extraction: Extraction, schema: Schema, protected: Protection
) -> tuple[dict[str, TableRead], SourceRetention]:
    """Read what is needed to tell until when each row of the source stays."""
    policy = extraction.world.policy
    links = references(policy, foreign_keys(schema))
    wanted = columns_wanted(policy, links)
    read = {name: _read(extraction, name, wanted[name], protected) for name in policy.tables if name in wanted}
    outside = {
        link: _referred(extraction, link, wanted[link.child][link.column], read[link.parent].rows)
        for link in links
        if link.child not in read
    }
    return read, SourceRetention(policy, {name: table.rows for name, table in read.items()}, links, outside)


def unanswered(policy: Policy) -> str | None:
    """Say which setting of the law nobody has answered although the deletion depends on it, if there is one."""
    tables = policy.source.waiting_for_an_answer if policy.source else ()
    if not tables:
        return None
    return (
        f"{policy.file}:{policy.line('source', 'one_stop_shop')}: source.one_stop_shop: is unanswered, and the rules "
        f"for {', '.join(tables)} depend on it; let counsel say no, or for how many calendar years (10 years)"
    )


def _doubts(policy: Policy) -> list[str]:
    open_question = unanswered(policy)
    return [f"{open_question}. Until then nothing is deleted in the source."] if open_question else []


def _read(extraction: Extraction, name: str, wanted: Mapping[str, ColumnType], protected: Protection) -> TableRead:
    """Read a table once: keep what clocks and references need, and of the rest only whether it protects a row."""
    table, time_zone = extraction.world.policy.tables[name], extraction.world.policy.time_zone
    key = table.source_of(table.primary_key)
    parts: dict[str, list[pa.Array]] = {column: [] for column in wanted}
    held, restricted = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)]
    for columns in extraction.look_at(Reading(name, {**wanted, **protected.identifying(table)}), "retention"):
        for column, arrays in parts.items():
            arrays.append(columns[column])
        held.append(protected.held_rows(name, columns[key]))
        restricted.append(protected.restricted_rows(table, columns, len(columns[key])))
    joined = {
        column: pa.chunked_array(arrays, wanted[column].arrow(time_zone)).combine_chunks()
        for column, arrays in parts.items()
    }
    return TableRead(SourceRows(key, joined), np.concatenate(held), np.concatenate(restricted))


def _referred(extraction: Extraction, link: Reference, kind: ColumnType, parent: SourceRows) -> Positions:
    """Find the rows that a table refers to which the policy does not treat: they stay as long as that one does."""
    batches = extraction.look_at(Reading(link.child, {link.column: kind}), "references")
    return np.concatenate(
        [np.zeros(0, np.int32), *(np.unique(parent.positions(columns[link.column])) for columns in batches)]
    )


def with_children(policy: Policy, retention: SourceRetention, read: Mapping[str, TableRead]) -> dict[str, Mask]:
    """Tell which rows are of the restricted: by columns of their own, or through the row that leads to their person."""
    found: dict[str, Mask] = {}
    for name, table in policy.in_order():
        if name not in read:
            continue
        found[name] = read[name].restricted
        if table.subject.via:
            parent = str(table.columns[table.subject.via].references)
            at = retention.parents(name, table.subject.via)
            there = at >= 0
            found[name] = found[name].copy()
            found[name][there] |= found[parent][at[there]]
    return found


def _keys(rows: SourceRows, until: Days, day: int) -> pa.Array:
    return rows.keys.filter(pa.array(until < day))


def _content(world: World, name: str, keys: pa.Array) -> str:
    content = Content(world.keys.content_key())
    content.add({name: keys})
    return str(content)
