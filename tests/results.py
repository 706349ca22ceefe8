"""Made-up results, as lines of the ledger have them."""


def result(id="R0.4", variant="report", seed=0, profile="quick", **rest):
    """Return one result; `exact` and `training` are facts of it, all else are its metrics."""
    exact, training = rest.pop("exact", False), rest.pop("training", None)
    return {
        "id": id,
        "variant": variant,
        "profile": profile,
        "seed": seed,
        "backend": "tensorflow",
        "metrics": rest,
        "training": training,
        "data": {"provenance": {"exact": exact}},
    }
