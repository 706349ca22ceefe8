"""The reports' own recipes, and which of them can be trained from their settings alone."""

from __future__ import annotations

from cifarlib.errors import CourseError
from cifarlib.ledger.claims import system

LOSSES = {
    "categorical_crossentropy": "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy": "sparse_categorical_crossentropy",
}
_NOT_HERE = ("augmentation", "steps_per_epoch")


def recipe(id: str, epochs: int | None = None) -> dict:
    """Return optimizer, learning_rate, loss, epochs, batch_size, split and n_train of a system.

    Args:
        epochs: used where the report does not say how long it trained.

    Raises:
        CourseError: the recipe is incomplete, or needs more than `cifarlib ledger measure` can do.
    """
    settings = dict(system(id).settings)
    settings.setdefault("epochs", epochs)
    settings.setdefault("batch_size", 32)  # what Keras takes where a report is silent
    other = [name for name in _NOT_HERE if name in settings]
    if "base" in settings and not settings.get("frozen"):
        other.append("a base that learns")
    missing = [n for n in ("optimizer", "split", "epochs") if not settings.get(n)]
    if other or missing or settings.get("loss") not in LOSSES:
        raise CourseError(
            f"{id} cannot be measured from its settings alone ("
            + "; ".join(
                [f"it has {', '.join(other)}"] * bool(other)
                + [f"the report gives no {', '.join(missing)}"] * bool(missing)
                + [f"loss {settings.get('loss')!r}"] * (settings.get("loss") not in LOSSES)
            )
            + f"). Run its notebook instead: cifarlib run {system(id).notebook}"
        )
    return settings
