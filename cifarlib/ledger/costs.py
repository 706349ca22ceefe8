"""What the systems of the reports cost: parameters, and the time that training took."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from cifarlib.ledger import result_store
from cifarlib.ledger.claims import claims_file, system


@dataclass(frozen=True)
class Cost:
    """What one system costs. Every field is None where nobody says and nothing was measured.

    Attributes:
        base: parameters before the head was added, where there is a pretrained base.
        parameters: of the whole network, or of the head alone where the report counts only that.
        trainable: those of them that training changes.
        frozen: True with a frozen base, False where a base learns too, None without a base.
        claimed_epoch: seconds per epoch in the report, on its own machine.
        claimed_seconds: of the whole training in the report.
        time: the time measured here.
    """

    id: str
    base: int | None
    parameters: int | None
    trainable: int | None
    frozen: bool | None
    claimed_epoch: float | None
    claimed_seconds: float | None
    time: Time | None


@dataclass(frozen=True)
class Time:
    """Training time of the report's own recipe as measured here, medians over the runs.

    Attributes:
        seconds: of the whole training.
        epoch_seconds: of one epoch; the first, which compiles the network, counts like the others.
        head_only: a head on stored features was trained, so the base's work is not in the time.
    """

    runs: int
    epochs: int
    seconds: float
    epoch_seconds: float
    cores: int
    gpu: str
    head_only: bool

    @property
    def machine(self) -> str:
        return self.gpu or f"{self.cores} CPU cores"


def cost(id: str) -> Cost:
    """Return what one system costs, such as "R0.4".

    Raises:
        CourseError: no report has a system of that name.
    """
    entry = system(id)
    claims = {metric: claim.value for metric, claim in entry.claims.items()}
    seconds, epoch = claims.get("seconds"), claims.get("seconds_per_epoch")
    if seconds is None and epoch is not None and "epochs" in entry.settings:
        seconds = epoch * entry.settings["epochs"]
    total, trainable = counts(id)
    base = entry.settings.get("base")
    return Cost(
        id=id,
        base=claims.get("base_parameters"),
        parameters=total,
        trainable=trainable,
        frozen=entry.settings.get("frozen") if base else None,
        claimed_epoch=epoch,
        claimed_seconds=seconds,
        time=time(id),
    )


def counts(id: str) -> tuple[int | None, int | None]:
    """Return a system's parameters, all and the trainable ones, claimed or worked out.

    The counts of the whole network as it is trained: where a report prints those of the base
    alone, they are worked out from its code.
    """
    claims = {metric: claim.value for metric, claim in system(id).claims.items()}
    derived = claims_file()["derived"].get(id, {})
    total = derived.get("parameters", claims.get("parameters"))
    trainable = derived.get("trainable", None)
    if trainable is None and "parameters" in claims:
        trainable = claims.get("trainable_parameters")
    return total, total if trainable is None else trainable


def time(id: str) -> Time | None:
    """Return how long the report's own recipe took here, on the machine with the most runs."""
    found: dict[tuple, list[dict]] = {}
    for r in result_store.results(system(id).of or id):
        if r["variant"] == "report" and r["profile"] != "smoke" and r.get("training"):
            facts = r["environment"]
            key = r["profile"], r["backend"], facts["cores"], ", ".join(facts["gpus"])
            found.setdefault(key, []).append(r)
    if not found:
        return None
    best = max(found, key=lambda key: (key[0] == "full", len(found[key])))
    runs = [r["training"] for r in found[best]]
    shape = (found[best][0]["data"] or {}).get("input_shape") or [0]
    return Time(
        runs=len(runs),
        epochs=max(run["epochs"] for run in runs),
        seconds=statistics.median(run["seconds"] for run in runs),
        epoch_seconds=statistics.median(s for run in runs for s in run["epoch_seconds"]),
        cores=best[2],
        gpu=best[3],
        head_only=shape[-1] > 3,  # images have one or three channels, features have more
    )
