"""Train a report's network by the report's own recipe and record the result.

The recipe is the `settings` of the system in `records/claims.toml`, so there is no second
copy of it. Networks trained from scratch and heads on a frozen ImageNet base are measured this
way; those that train the base and those with augmentation are measured in their notebooks.
"""

from __future__ import annotations

import time
from pathlib import Path

from cifarlib import ledger
from cifarlib.ledger.recipes import LOSSES, recipe
from cifarlib.profiles import Profile


def measure(
    id: str,
    seed: int,
    out: Path,
    *,
    mirror: str | None = None,
    epochs: int | None = None,
    rate: float | None = None,
) -> dict:
    """Train one system with one seed on real data; leave the result below `out`.

    Args:
        epochs: used where the report does not say how long it trained.
        rate: another learning rate than the report's. The result is then the variant
            "rate-0.001", or whatever the rate is.

    Returns:
        The recorded result.
    """
    settings = recipe(id, epochs)
    import keras

    from cifarlib import networks
    from cifarlib.data.loading import load
    from cifarlib.evaluation import evaluate
    from cifarlib.runner.measure_features import NOTE, parted
    from cifarlib.training import fit, set_seed

    set_seed(seed)
    data = load(ledger.system(id).dataset, split=settings["split"], seed=seed, mirror=mirror)
    if "base" in settings:
        model, data, parameters = parted(id, settings, data, mirror)
        notes = [NOTE]
    else:
        model, notes = networks.build(id), []
        parameters = model.count_params()
    optimizer = keras.optimizers.get(settings["optimizer"])
    variant = f"rate-{rate:g}" if rate else "report"
    if rate or "learning_rate" in settings:
        optimizer.learning_rate = rate or settings["learning_rate"]
    model.compile(optimizer, LOSSES[settings["loss"]], metrics=["accuracy"])
    started = time.perf_counter()
    run = fit(model, data, epochs=settings["epochs"], batch_size=settings["batch_size"])
    result = evaluate(model, data.x_test, data.y_test)
    keras_loss, _ = model.evaluate(data.x_test, data.y_test, batch_size=500, verbose=0)
    print(f"{id} seed {seed}: {run}; test {result} ({time.perf_counter() - started:.0f} s)")
    metrics = {
        "parameters": parameters,
        "train_accuracy": run.last("accuracy"),
        "train_loss": run.last("loss"),
        "val_accuracy": run.last("val_accuracy"),
        "val_loss": run.last("val_loss"),
        "test_accuracy": result.accuracy,
        "test_loss": keras_loss,  # the reports' own figure: not clipped, see Evaluation.loss
        "macro_f1": result.macro_f1,
        "roc_auc": result.roc_auc,
    }
    if "epochs" not in ledger.system(id).settings:
        notes.append(f"report silent: {epochs} epochs")
    note = "; ".join(notes)
    own = Profile("full", "auto", "the report's own recipe")
    return ledger.record(
        id,
        metrics,
        variant=variant,
        seed=seed,
        profile=own,
        data=data,
        run=run,
        note=note,
        folder=out,
    )
