"""Every system of the reports in one table: what `cifarlib ledger` prints."""

from __future__ import annotations

from collections import Counter

from cifarlib._support.tables import Table
from cifarlib.ledger import result_store, verdicts
from cifarlib.ledger.claims import systems
from cifarlib.ledger.comparison import EMPTY, HEADLINE, claimed
from cifarlib.ledger.reproduction_status import STATES, headline, length, runs


def overview() -> str:
    """Return every system of the reports with its claim, its state and its results, as text."""
    rows = []
    for id, entry in systems().items():
        shown = [m for m in HEADLINE if m in entry.claims][:2]
        claims = [f"{m.replace('_', ' ')} {claimed(entry.claims[m])}" for m in shown]
        said = "; ".join(claims) or entry.kind
        rows.append([id, entry.notebook[:2], verdicts.state(id), said, recorded(id), entry.cause])
    headers = ["system", "notebook", "state", "claimed", "recorded on real data", "main cause"]
    counts = Counter(row[2] for row in rows)
    states = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    some = sum(row[4] != EMPTY for row in rows)
    return (
        f"{Table(headers, rows)}\n\n{len(rows)} systems: {states}.\n"
        f"{some} of them have results on real data."
    )


def recorded(id: str) -> str:
    """Say what the ledger has of a system on real data, and by how much it was shortened."""
    found = headline(id)
    if found and found[2]:
        return f"{runs(found[2])} of its own recipe"
    real = [r for r in result_store.results(id) if r["profile"] != "smoke"]
    short = sum(r["variant"] == "short" for r in real)
    if short and (part := length(id)):
        return f"{short} run{'s' if short > 1 else ''}{part}"
    return f"{len(real)} result{'s' if len(real) > 1 else ''}" if real else EMPTY
