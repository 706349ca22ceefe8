"""What a run leaves for people and programs: `index.html` and `manifest.json`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from cifarlib.facts import versions
from cifarlib.files import write_atomic

STAND_IN = (
    "These numbers come from embedded stand-in data: they prove that everything runs, nothing more."
)
UNKNOWN = {"dataset": "unnamed", "digest": "", "exact": None, "note": ""}  # in records by hand


def write(out: Path, manifest: dict) -> None:
    """Write both files from the manifest and from what the notebooks recorded.

    Sets the manifest's keys `cifarlib` and `data`.

    Raises:
        CourseError: `out` cannot be written to.
    """
    slugs = [entry["slug"] for entry in manifest["notebooks"]]
    results = [row | {"slug": slug} for slug in slugs for row in _lines(out, slug, "results")]
    manifest["cifarlib"] = versions().get("cifarlib", "unknown")
    manifest["data"] = _provenances(out, slugs)
    write_atomic(out / "manifest.json", json.dumps(manifest, indent=1))
    write_atomic(out / "index.html", render(out, manifest, results))


def render(out: Path, manifest: dict, results: list[dict]) -> str:
    """Return the page as one self-contained HTML text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"duration": duration, "figure": figure}
    embedded = any(row["source"] == "embedded" for row in manifest["data"])
    return pages.get_template("page.html").render(
        manifest=manifest,
        notebooks=[
            entry | {"links": _links(out, entry["slug"])} for entry in manifest["notebooks"]
        ],
        results=results,
        metrics=list(dict.fromkeys(name for row in results for name in row["metrics"])),
        environment=_environment_rows(manifest["environment"]),
        banner=STAND_IN if embedded or manifest["profile"] == "smoke" else "",
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


def figure(value: object) -> str:
    """Write a metric: counts in full with thousands separators, others with 4 decimals."""
    if value is None:
        return ""
    if isinstance(value, int | float) and float(value).is_integer() and abs(value) > 1:
        return f"{int(value):,}"
    return f"{value:.4f}" if isinstance(value, int | float) else str(value)


def _links(out: Path, slug: str) -> list[tuple[str, str]]:
    files = [("page", f"{slug}.html"), ("notebook", f"{slug}.ipynb"), ("log", "log.txt")]
    return [
        (label, quote(f"{slug}/{name}"))
        for label, name in files
        if (out / slug / name).is_file() and (out / slug / name).stat().st_size > 0
    ]


def _provenances(out: Path, slugs: list[str]) -> list[dict]:
    """Return where each dataset came from, once each, with the notebooks that used it."""
    found: dict[str, dict] = {}
    for slug in slugs:
        used = [row["data"] for row in _lines(out, slug, "results") if row.get("data")]
        for data in [*used, *_lines(out, slug, "data")]:
            provenance = data.get("provenance") or {}
            if "source" in provenance:
                key = json.dumps(provenance, sort_keys=True)
                row = found.setdefault(key, {**UNKNOWN, **provenance, "used_by": []})
                if slug not in row["used_by"]:
                    row["used_by"].append(slug)
    return list(found.values())


def _lines(out: Path, slug: str, name: str) -> list[dict]:
    """Read records; a line cut off by a dying kernel is left out."""
    try:
        text = (out / "records" / slug / f"{name}.jsonl").read_text(encoding="utf-8")
    except OSError:
        return []
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and (name != "results" or {"id", "metrics"} <= row.keys()):
            rows.append(row)
    return rows


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
