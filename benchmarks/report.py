"""Show what was measured, as tables of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from statistics import median

from rich import box
from rich.table import Table

from benchmarks.erasure import PEOPLE, PLAIN
from benchmarks.gate import GATE, STATEMENTS
from benchmarks.measure import PROCESS, WHOLE, Measured, Step
from benchmarks.race import COPIES, Round
from benchmarks.treatment import COLUMN, STEPS, TREAT


def race(rounds: list[Round]) -> Iterator[Table]:
    """Show whole runs, then their parts."""
    columns = ("rows", "seconds", "CPU seconds", "CPU µs/row", "× copy", "CPU × copy", "start, end", "MB")
    whole = _table(f"Whole runs: least / median of {len(rounds)}", *columns)
    whole.caption = (
        "× copy: seconds, then CPU seconds, a row over those of the better copy in the same round; the median.\n"
        "start, end: seconds of the process around them, imports included; the median."
    )
    for name in rounds[0]:
        steps = [result[name][WHOLE] for result in rounds]
        whole.add_row(
            name,
            f"{steps[0].rows:,}",
            _least_and_median([step.seconds for step in steps], 1),
            _least_and_median([step.cpu for step in steps], 1),
            f"{median(_cpu(step) for step in steps):.2f}",
            _times_copy(rounds, name, _time),
            _times_copy(rounds, name, _cpu),
            f"{median(result[name][PROCESS].seconds - result[name][WHOLE].seconds for result in rounds):.1f}",
            f"{max(result[name].peak for result in rounds):,.0f}",
        )
    yield whole
    parts = _table("Parts: CPU µs a row, median; in brackets CPU seconds of what has no rows", *rounds[0])
    names = dict.fromkeys(step.name for result in rounds[0].values() for step in result.steps)
    for part in names:
        if part not in (WHOLE, PROCESS):
            parts.add_row(part, *(_median_cost(rounds, name, part) for name in rounds[0]))
    yield parts


def treatment(measured: Measured) -> Iterator[Table]:
    """Show what treating costs by table, then by column of the table with most tokens in a row."""
    by_table = _table("Treatment: CPU µs a row", "rows", *STEPS[:-1], "in all", STEPS[-1])
    by_table.caption = "floor: one HMAC-SHA-256 for each value that a token is made of."
    for step in measured.steps:
        name, _, part = step.name.partition("/")
        if part == TREAT:
            costs = [measured[f"{name}/{column}"] for column in (*STEPS[:-1], TREAT, STEPS[-1])]
            by_table.add_row(name, f"{step.rows:,}", *(f"{cost.micros:.2f}" for cost in costs))
    yield by_table
    columns = [step for step in measured.steps if COLUMN in step.name]
    tokens = Counter(step.name.partition(".")[0] for step in columns if "pseudonymize" in step.name)
    most = max(tokens, key=lambda name: (tokens[name], measured[f"{name}/{TREAT}"].rows))
    by_column = _table(f"Treatment of the columns of {most}: CPU µs a row", "treatment", "")
    for step in columns:
        if step.name.startswith(f"{most}."):
            by_column.add_row(*step.name.removeprefix(f"{most}.").split(COLUMN, 1), f"{step.micros:.3f}")
    yield by_column


def gate(measured: Measured) -> Iterator[Table]:
    """Show what the gate costs, and what is left of that without Great Expectations."""
    share = 1 - measured[STATEMENTS].cpu / measured[GATE].cpu
    yield _gate("Gate", measured, f"Of its CPU seconds, {share:.0%} are not its statements.")


def gate_in_postgresql(measured: Measured) -> Iterator[Table]:
    """Show the same of a warehouse in PostgreSQL."""
    yield _gate("Gate in PostgreSQL", measured, "CPU seconds of this process; the server's are not among them.")


def ingest(measured: Measured) -> Iterator[Table]:
    """Show what loading into PostgreSQL costs."""
    shown = _table("Loading into PostgreSQL", "rows", "seconds", "µs a row", "CPU seconds")
    shown.caption = "CPU seconds of this process; the server's are not among them. Making up the rows is in both."
    for step in measured.steps:
        if step.name != PROCESS:
            micros = step.seconds / step.rows * 1e6
            shown.add_row(step.name, f"{step.rows:,}", f"{step.seconds:.1f}", f"{micros:.2f}", f"{step.cpu:.1f}")
    yield shown


def _gate(title: str, measured: Measured, caption: str) -> Table:
    shown = _table(title, "checks, statements", "seconds", "CPU seconds")
    shown.caption = caption
    for step in measured.steps:
        if step.name != PROCESS:
            shown.add_row(step.name, f"{step.rows:,}", f"{step.seconds:.1f}", f"{step.cpu:.1f}")
    return shown


def erasure(measured: Measured) -> Iterator[Table]:
    """Show what erasure costs beside a plain run."""
    shown = _table(f"Erasure of {PEOPLE:,} people", "rows, people", "seconds", "CPU seconds", "× plain", "CPU × plain")
    shown.caption = "All steps in one process, one after the other; the source is asked in runs and to register."
    plain = measured[PLAIN]
    for step in measured.steps:
        if step.name != PROCESS:
            times = f"{step.seconds / plain.seconds:.2f}", f"{step.cpu / plain.cpu:.2f}"
            shown.add_row(step.name, f"{step.rows:,}", f"{step.seconds:.1f}", f"{step.cpu:.1f}", *times)
    yield shown


def orchestration(measured: Measured) -> Iterator[Table]:
    """Show what Prefect costs."""
    shown = _table("Prefect with nothing to do", "tasks", "seconds", "CPU seconds")
    shown.caption = "process: from start to end, with its temporary server."
    for step in measured.steps:
        shown.add_row(step.name, f"{step.rows or ''}", f"{step.seconds:.1f}", f"{step.cpu:.1f}")
    yield shown


def servers(kinds: dict[str, list[Round]]) -> Iterator[Table]:
    """Show whole runs from each kind of server. CPU is the reading process's; seconds hold the server's work."""
    for kind, rounds in kinds.items():
        whole, _ = race(rounds)
        whole.title = f"From {kind}: least / median of {len(rounds)}"
        yield whole


def incremental(kinds: dict[str, Measured]) -> Iterator[Table]:
    """Show a full run and what changed after it; seconds hold the servers' work, CPU is the run's own process's."""
    for kind, measured in kinds.items():
        shown = _table(f"From {kind} into PostgreSQL", "rows read", "s", "× full", "CPU s", "× full")
        whole, *_ = steps = measured.steps[:3]
        for step in steps:
            seconds, cpu = f"{step.seconds / whole.seconds:.2f}", f"{step.cpu / whole.cpu:.2f}"
            shown.add_row(step.name, f"{step.rows:,}", f"{step.seconds:.1f}", seconds, f"{step.cpu:.1f}", cpu)
        yield shown


def memory(sizes: dict[int, Measured]) -> Iterator[Table]:
    """Show the peak of the chamber's process by size."""
    shown = _table("Memory of the chamber's process", "rows", "MB", "× the first")
    first = next(iter(sizes.values())).peak
    for orders, measured in sizes.items():
        rows, peak = measured[WHOLE].rows, measured.peak
        shown.add_row(f"{orders:,} orders", f"{rows:,}", f"{peak:,.0f}", f"{peak / first:.2f}")
    yield shown


REPORTS: dict[str, Callable[..., Iterator[Table]]] = {
    report.__name__: report
    for report in (
        race,
        treatment,
        gate,
        gate_in_postgresql,
        ingest,
        erasure,
        orchestration,
        servers,
        incremental,
        memory,
    )
}


def _table(title: str, *headings: str) -> Table:
    begun = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD)
    begun.add_column("", no_wrap=True)
    for heading in headings:
        begun.add_column(heading, justify="right", no_wrap=True)
    return begun


def _time(step: Step) -> float:
    return step.seconds / step.rows


def _cpu(step: Step) -> float:
    return step.micros


def _least_and_median(figures: list[float], digits: int) -> str:
    return f"{min(figures):,.{digits}f} / {median(figures):,.{digits}f}"


def _times_copy(rounds: list[Round], name: str, cost: Callable[[Step], float]) -> str:
    if not rounds[0].keys() & set(COPIES):
        return ""
    least = [min(cost(result[copy][WHOLE]) for copy in COPIES if copy in result) for result in rounds]
    return f"{median(cost(result[name][WHOLE]) / copy for result, copy in zip(rounds, least, strict=True)):.2f}"


def _median_cost(rounds: list[Round], name: str, part: str) -> str:
    steps = [step for result in rounds for step in result[name].steps if step.name == part]
    if not steps:
        return ""
    return f"{median(_cpu(step) for step in steps):.2f}" if steps[0].rows else f"({median(s.cpu for s in steps):.1f})"
