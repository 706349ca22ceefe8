"""What a run leaves for people and programs: `index.html` and `manifest.json`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from cifarlib._support.environment import versions
from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.runner.result_rows import lines, result_rows, summary
from cifarlib.runner.sparklines import curves

STAND_IN = (
    "These numbers come from embedded stand-in data: they prove that everything runs, nothing more."
)
UNKNOWN = {"dataset": "unnamed", "digest": "", "exact": None, "note": ""}  # in records by hand


def read_manifest(out: Path) -> dict:
    """Return the manifest of the run in a folder.

    Raises:
        CourseError: the folder holds none.
    """
    try:
        return json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{out} holds no run: its manifest.json cannot be read. "
            "Give the folder that `cifarlib run --out FOLDER` wrote."
        ) from error


def write(out: Path, manifest: dict) -> None:
    """Write both files from the manifest and from what the notebooks recorded.

    Sets the manifest's keys `cifarlib` and `data`.

    Raises:
        CourseError: `out` cannot be written to.
    """
    manifest["cifarlib"] = versions().get("cifarlib", "unknown")
    manifest["data"] = _provenances(out, manifest["notebooks"])
    write_atomic(out / "manifest.json", json.dumps(manifest, indent=1))
    write_atomic(out / "index.html", render(out, manifest))


def render(out: Path, manifest: dict) -> str:
    """Return the page as one self-contained HTML text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"duration": duration, "metric": formatted, "curves": curves}
    found = {_path(e): result_rows(_records(out, e), e) for e in manifest["notebooks"]}
    results = [row | {"path": path} for path, rows in found.items() for row in rows]
    embedded = any(row["source"] == "embedded" for row in manifest["data"])
    smoke = "smoke" in {manifest.get("profile"), *(e.get("profile") for e in manifest["notebooks"])}
    return pages.get_template("page.html").render(
        manifest=manifest,
        runs=manifest.get("runs", []),
        notebooks=[
            entry | summary(found[_path(entry)]) | {"links": _links(out, entry)}
            for entry in manifest["notebooks"]
        ],
        results=results,
        metrics=list(dict.fromkeys(name for row in results for name in row["metrics"])),
        environment=_environment_rows(manifest["environment"]) + _setting_rows(manifest),
        banner=STAND_IN if embedded or smoke else "",
    )


def duration(seconds: float | None) -> str:
    """Write a time as people read it: "8.3 s", "12 min 05 s", "2 h 10 min"."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def formatted(value: object) -> str:
    """Write a metric: counts in full with thousands separators, others with 4 decimals."""
    if value is None:
        return ""
    if isinstance(value, int | float) and float(value).is_integer() and abs(value) > 1:
        return f"{int(value):,}"
    return f"{value:.4f}" if isinstance(value, int | float) else str(value)


def _path(entry: dict) -> str:
    """Return the notebook's folder as seen from the page."""
    group = entry.get("group", ".")
    return entry["slug"] if group == "." else f"{group}/{entry['slug']}"


def _records(out: Path, entry: dict) -> Path:
    return out / entry.get("group", ".") / "records" / entry["slug"]


def _links(out: Path, entry: dict) -> list[tuple[str, str]]:
    path, slug = _path(entry), entry["slug"]
    files = [("page", f"{slug}.html"), ("notebook", f"{slug}.ipynb"), ("log", "log.txt")]
    return [
        (label, quote(f"{path}/{name}"))
        for label, name in files
        if (out / path / name).is_file() and (out / path / name).stat().st_size > 0
    ]


def _provenances(out: Path, entries: list[dict]) -> list[dict]:
    """Return where each dataset came from, once each, with the notebooks that used it."""
    found: dict[str, dict] = {}
    for entry in entries:
        records, slug = _records(out, entry), entry["slug"]
        used = [row["data"] for row in lines(records, "results") if row.get("data")]
        for data in [*used, *lines(records, "data")]:
            provenance = data.get("provenance") or {}
            if "source" in provenance:
                key = json.dumps(provenance, sort_keys=True)
                row = found.setdefault(key, {**UNKNOWN, **provenance, "used_by": []})
                if slug not in row["used_by"]:
                    row["used_by"].append(slug)
    return list(found.values())


def _environment_rows(facts: dict) -> list[tuple[str, str]]:
    git = facts["git"]
    rows = [
        ("Python", facts["python"]),
        ("Platform", facts["platform"]),
        ("Processor", f"{facts['cpu']}, {facts['cores']} cores"),
        ("Memory", f"{facts['memory_gb']} GB"),
        ("GPU", ", ".join(facts["gpus"]) or "none"),
        ("Keras backend", facts["backend"]),
        ("Packages", ", ".join(f"{k} {v}" for k, v in facts["versions"].items())),
        ("Settings", ", ".join(f"{k}={v}" for k, v in facts["settings"].items()) or "none"),
    ]
    if git:
        state = " with uncommitted changes" if git["dirty"] else ""
        rows.append(("Source", f"commit {git['commit'][:12]}{state}"))
    return rows


def _setting_rows(manifest: dict) -> list[tuple[str, str]]:
    """Return how the notebooks were run, as far as the manifest says."""
    threads = [f"{name}={value}" for name, value in manifest.get("threads", {}).items()]
    limits = {"timeout": "s a cell", "minutes": "minutes a notebook", "memory": "GB a notebook"}
    set_limits = [f"{manifest[n]:g} {unit}" for n, unit in limits.items() if manifest.get(n)]
    own = [f"{name}={value!r}" for name, value in manifest.get("parameters", {}).items()]
    rows = [
        ("Notebooks at a time", str(manifest.get("jobs", 1))),
        ("Threads of a notebook", ", ".join(threads) or "not limited"),
        ("Limits", ", ".join(set_limits) or "none"),
        ("Mirror", manifest["mirror"] or "none"),
    ]
    if own:
        rows.append(("Parameters", ", ".join(own)))
    if manifest.get("scheduler"):
        workers = ", ".join(manifest.get("workers", []))
        rows.append(("Cluster", f"{manifest['scheduler']}, workers {workers}"))
    return rows
