"""What is counted of rows that leave a warehouse, and of people who are looked for in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from privacy.fates import Fate


@dataclass(frozen=True)
class Remaining:
    """What becomes of one published table, and of its rows in quarantine, when doomed rows leave."""

    before: int
    removed: Mapping[Fate, int]
    unlinked: Mapping[str, Mapping[Fate, int]]
    """References of remaining rows that become NULL: column → fate of the target → values."""
    set_aside_before: int
    set_aside_removed: Mapping[Fate, int]

    @property
    def after(self) -> int:
        """Count the rows that stay published."""
        return self.before - sum(self.removed.values())

    @property
    def set_aside_after(self) -> int:
        """Count the rows that stay in quarantine."""
        return self.set_aside_before - sum(self.set_aside_removed.values())


@dataclass(frozen=True)
class Found:
    """What a search for people who were to be gone has found: rows by published name, and places by file."""

    index: Mapping[str, int]
    """Rows of the private index that are theirs."""
    published: Mapping[str, int]
    """Published rows that hold a key which was to leave."""
    quarantine: Mapping[str, int]
    """Rows that were set aside and are theirs, or hold such a key."""
    unindexed: Mapping[str, int]
    """By how many rows a table and its index differ: nobody could be found by the index in so many."""
    staying: int
    """How many MACs are held by rows that stay by right: of another account, or of a later time."""
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    """Rows of tables that belong to nothing published, such as a candidate's."""
    places: Mapping[str, int] = field(default_factory=dict)
    """Places in the bytes of files where a MAC or key stands that no row may hold."""
    sought: int = 0
    """How many of these the bytes were searched for; none where files are a server's."""

    @property
    def nothing(self) -> bool:
        """Whether there is no trace."""
        return not any((self.index, self.published, self.quarantine, self.unindexed, self.elsewhere, self.places))
