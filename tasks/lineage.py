"""Which published table is made of which source table, told to Prefect as assets.

Their keys name the controller and the table, and neither hosts nor folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prefect.assets import Asset, AssetProperties
from prefect.context import AssetContext
from prefect.states import Completed

from privacy.evidence import RunRecord
from privacy.policy import Policy
from stores.warehouse import ANALYTICS, MARTS


def tell_lineage(record: RunRecord, policy: Policy) -> None:
    """Tell that each published table was made anew, of what, and of how many rows."""
    for made, sources, numbers in lineage(record, policy):
        AssetContext(
            direct_asset_dependencies=sources,
            downstream_assets={made},
            materialized_by="sluis",
            materialization_metadata={made.key: numbers},
        ).emit_events(Completed())


def lineage(record: RunRecord, policy: Policy) -> Iterator[tuple[Asset, set[Asset], dict[str, int]]]:
    """Give each published table and mart with what it is made of, and its numbers.

    What is published without the source (an erasure, say) is made of what was published before.
    """
    published = {}
    for name, table in policy.tables.items():
        published[name] = _asset(policy, f"warehouse/{ANALYTICS}", table.publish_as, table.meaning)
        source = _asset(policy, "source", table.derived.source if table.derived else name, "")
        counts = record.tables.get(table.publish_as)
        if counts:
            numbers = {key: n for key, n in counts.as_json().items() if isinstance(n, int)}
            yield published[name], {source} if record.kind == "refresh" else set(), numbers
    for name, numbers_of in record.marts.items():
        mart = policy.marts[name]
        yield _asset(policy, f"warehouse/{MARTS}", name, mart.meaning), {published[mart.source]}, vars(numbers_of)


def _asset(policy: Policy, where: str, name: str, meaning: str) -> Asset:
    controller = re.sub(r"[^a-z0-9]+", "-", policy.controller.name.lower()).strip("-") or "shop"
    key = f"sluis://{controller}/{where}/{re.sub(r'[^0-9A-Za-z_.-]', '-', name)}"
    return Asset(key=key, properties=AssetProperties(name=name, description=meaning or None))
