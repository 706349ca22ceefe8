"""How each system of the reports stands: its state, the evidence, and what would settle it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cifarlib.errors import CourseError
from cifarlib.ledger import bands, result_store, verdicts
from cifarlib.ledger.bands import Band
from cifarlib.ledger.claims import claims_file, system
from cifarlib.ledger.comparison import interval, number, unit_of
from cifarlib.ledger.recipes import recipe

STATES = ("reproduced", "not reproduced", "measured once", "not measured", "shown")
"""What `ledger.state` can say, in the order of tables and legends."""
NEEDED = ("optimizer", "split", "epochs")


@dataclass(frozen=True)
class Status:
    """Where one system stands.

    Attributes:
        state: one of `STATES`.
        why: the evidence, or what is missing.
        command: what to type to measure it, or more of it; "" where nothing is open.
    """

    id: str
    state: str
    why: str
    command: str


def status(id: str) -> Status:
    """Return how one system stands, such as "R0.4".

    Raises:
        CourseError: no report has a system of that name.
    """
    state = verdicts.state(id)
    why = {
        "reproduced": lambda: _score(id),
        "not reproduced": lambda: f"{_score(id)}: {'; '.join(failing(id))}",
        "measured once": lambda: "one seed, and a verdict takes two",
        "not measured": lambda: missing(id),
        "shown": lambda: "claims no figure that could be tested",
    }[state]()
    return Status(id, state, why, command(id) if "measured" in state else "")


def cause(id: str) -> str:
    """Return in words what is mainly wrong with a system, whether or not its claim holds."""
    return claims_file()["causes"][system(id).cause]


def failing(id: str) -> list[str]:
    """Return one line for every claimed figure that the report's own recipe does not give."""
    lines = []
    for claim in system(id).claims.values():
        is_tested = claim.value is not None and claim.unit != "seconds"
        if not is_tested or verdicts.agrees(id, claim) is not False:
            continue
        band = bands.band(id, claim.metric) or bands.band(id, claim.metric, "counted")
        figure, value = claim.metric.replace("_", " "), number(claim.value, claim.unit)
        gave = f"{runs(band)} gave {interval(band.values, claim.unit)}"
        lines.append(f"{figure} claimed {value}, {gave}")
    return lines


def runs(band: Band) -> str:
    """Write how many runs a band holds: 1 run, 5 runs."""
    n = len(band.values)
    return f"{n} run{'s' if n > 1 else ''}"


def missing(id: str) -> str:
    """Say what it takes to measure a system by its own recipe, and how near we came."""
    entry = system(system(id).of or id)
    settings, takes = entry.settings, []
    if entry.kind != "training":
        return "its notebook has recorded nothing on real data yet"
    unsaid = [name for name in NEEDED if name not in settings]
    if unsaid:
        takes.append(f"the report gives no {', '.join(unsaid)}")
    if entry.dataset == "folder":
        takes.append("the report's own pictures")
    if "base" in settings:
        trained = "frozen" if settings.get("frozen") else "all of it trained"
        takes.append(f"ImageNet's weights of {settings['base']}, {trained}")
    if settings.get("image_size", 32) > 64:
        takes.append(f"images of {settings['image_size']} pixels")
    if "steps_per_epoch" in settings:
        takes.append(f"{settings['epochs']} epochs of {settings['steps_per_epoch']} steps")
    return "; ".join([*takes, *_shortened(id)]) or "its own recipe was not yet run"


def command(id: str) -> str:
    """Return what to type to measure a system by its own recipe, or as near as we can come."""
    trained = system(id).of or id
    known = [r["training"] for r in result_store.results(trained) if r["variant"] == "report"]
    epochs = next((run["epochs"] for run in known if run), None)
    for given, words in ((None, ""), (epochs or 1, f" --epochs {epochs or 'N'}")):
        try:
            recipe(trained, given)
        except CourseError:
            continue
        return f"cifarlib ledger measure {trained}{words} --seeds 0-4"
    return f"cifarlib run {system(trained).notebook[:2]} --profile full"


def headline(id: str) -> tuple[str, float | None, Band | None] | None:
    """Return the accuracy that a system is judged by: metric, claimed value, recorded band.

    Test accuracy where it is claimed, else validation accuracy, else what was measured. None
    for a system that has no accuracy, such as a count or a figure.
    """
    claims = system(id).claims
    metrics = ("test_accuracy", "val_accuracy")
    claimed = [m for m in metrics if m in claims and claims[m].value is not None]
    for metric in [*claimed, *metrics]:
        value = claims[metric].value if metric in claims else None
        band = bands.band(id, metric)
        if value is not None or band:
            return metric, value, band
    return None


def share(id: str, run: dict) -> float | None:
    """Return how much of the report's training a recorded run did, by images passed.

    Args:
        run: "training" of a result. None where the report does not say how long it trained.
    """
    s = system(id).settings
    each = s["steps_per_epoch"] * s["batch_size"] if "steps_per_epoch" in s else s.get("n_train")
    if not each or "epochs" not in s:
        return None
    return run["epochs"] * run["n_train"] / (s["epochs"] * each)


def tested(id: str) -> tuple[int, int]:
    """Return how many of a system's claimed figures hold, and how many could be tested."""
    claims = [c for c in system(id).claims.values() if c.value is not None]
    outcomes = [verdicts.agrees(id, c) for c in claims if c.unit != "seconds"]
    return outcomes.count(True), len(outcomes) - outcomes.count(None)


def _score(id: str) -> str:
    held, all_of_them = tested(id)
    return f"{held} of {all_of_them} tested figures hold"


def _shortened(id: str) -> Iterable[str]:
    """Say what the shortened recipe gave, and how short it was; nothing where there is none."""
    for metric in ("test_accuracy", "val_accuracy"):
        band = bands.band(id, metric, "short")
        if band is None:
            continue
        gave = f"{metric.replace('_', ' ')} {interval(band.values, unit_of(metric))}"
        return [f"so far shortened{length(id)}: {gave}"]
    return []


def length(id: str) -> str:
    """Write how much of the report's training its shortened runs did, or "" where none says."""
    short = [r["training"] for r in result_store.results(id) if r["variant"] == "short"]
    shares = [part for run in short if run and (part := share(id, run)) is not None]
    return f" with {100 * max(shares):.2g} % of the training" if shares else ""
