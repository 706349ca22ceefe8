"""Whether the recorded runs of a report's own recipe bear out what it claims."""

from __future__ import annotations

from cifarlib.ledger.bands import band
from cifarlib.ledger.claims import Claim, system
from cifarlib.ledger.result_store import results, session_results


def state(id: str) -> str:
    """Say how a system's claims stand against the results of its own recipe.

    Returns:
        "reproduced" or "not reproduced" where results were measured (parameter counts decide
        where the report claims nothing else), "shown" for a recorded figure, table or
        discussion without numbers, "measured once" where one seed allows no verdict, else
        "not measured". Times are left out: they depend on the machine.
    """
    claims = [c for c in system(id).claims.values() if c.value is not None and c.unit != "seconds"]
    if not claims:
        return "shown" if results(id) or session_results(id) else "not measured"
    outcomes = [c for c in claims if c.unit != "count"]
    verdicts = {agrees(id, c) for c in outcomes or claims}
    if verdicts == {None}:
        once = any(band(id, c.metric) for c in outcomes)
        return "measured once" if once else "not measured"
    return "not reproduced" if False in verdicts else "reproduced"


def agrees(id: str, claim: Claim) -> bool | None:
    """Is a claim what the report's own recipe could give? None if under two seeds tell."""
    if claim.unit == "count":
        measured = band(id, claim.metric) or band(id, claim.metric, "counted")
        return None if measured is None else measured.mean == claim.value
    measured = band(id, claim.metric)
    if measured is None or len(measured.values) < 2:
        return None
    return measured.in_prediction_interval(claim.value)
