"""Write `benchmarks/README.md` from the results that lie in `benchmarks/results/`.

    python benchmarks/page.py [--check]

Every line says what was measured, what was wanted, and whether it was reached.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cifarlib._support.files import write_atomic

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
HEAD = """# How fast the course is

Made by `python benchmarks/page.py` from the files in `results/`; `make bench` runs the benchmarks
anew (with real data: `make bench MIRROR=DIR`) and then writes this page. Each benchmark takes both
ways in turns on one machine. Times depend on the machine, and so do ratios, though less.
"""
Row = tuple[str, str, str, str]


def epochs(found: dict) -> Iterator[Row]:
    for id, s in found["systems"].items():
        rate = s["images_per_second"]
        ratio = f"{s['times']:.2f} times {rate['report']:,.0f} images/s"
        limit = f"{s['part_of_limit']:.0%} of this machine's multiply-adds"
        yield (
            f"{id}, an epoch in batches of {s['batch_size']}, against the report's code",
            f"{ratio} ({limit})",
            f"{s['wanted']:.1f} times",
            _reached(s["times"] >= s["wanted"]),
        )


def frozen_features(found: dict) -> Iterator[Row]:
    for id, s in found["systems"].items():
        times = s["times_faster_first_time"]
        measured = f"{times:.1f} times faster; {s['times_faster_cached']:.0f} times when the "
        measured += f"features are there (made at {s['part_of_limit']:.0%} of this machine's "
        measured += "multiply-adds)"
        if s["median_accuracy"]:
            ends = (s["median_accuracy"][f"{way}_accuracy"] for way in ("report", "features"))
            measured += "; whole trainings, test accuracy {:.1%} and ours {:.1%}".format(*ends)
        else:
            measured += f"; {s['measured']}"
        yield (
            f"{id}, features once, against the base in every step",
            measured,
            f"{s['wanted']:.0f} times",
            _reached(times >= s["wanted"]),
        )


def beat_the_reports(found: dict) -> Iterator[Row]:
    for r in found["rounds"]:
        for name in ("60%", "70%", "whole"):
            goal = "R1.4's accuracy at its end" if name == "whole" else name
            what = f"time to {goal} on the test images, against the reports' fastest"
            wanted, ours = found["wanted"], r[name]["ours"]
            theirs, seconds = r[name]["reports"]
            measured = f"{theirs} {seconds:.0f} s"
            if ours is None:
                yield what, f"{measured}; ours never", "", _reached(False)
                continue
            times = seconds / ours[1]
            measured += f", {ours[0]} {ours[1]:.0f} s: {times:.1f} times as fast"
            if name != "whole":
                yield what, measured, "", ""
                continue
            measured = f"{r[name]['accuracy']:.1%}: {measured}"
            yield what, measured, f"{wanted:.0f} times", _reached(times >= wanted)


def augmentation(found: dict) -> Iterator[Row]:
    wanted = found["wanted"]
    for row in found["alone"]:
        what = f"augmentation alone, {row['settings']}'s settings, batches of {row['batch']}"
        part = row["layers"] / found["limit_images_per_second"]
        measured = f"{row['times']:.1f} times ImageDataGenerator's speed "
        measured += f"({row['layers']:,} images/s, {part:.1%} of this machine's bandwidth)"
        good = _reached(row["times"] >= wanted["times"])
        yield what, measured, f"{wanted['times']:.0f} times", good
    for row in found["training"]:
        if row["augmentation"].startswith("layers"):
            what = f"R0.4 with {row['augmentation']}, batches of {row['batch']}"
            measured = f"an epoch takes {row['cost']:.0%} longer"
            good = _reached(row["cost"] <= wanted["cost"])
            yield what, measured, f"at most {wanted['cost']:.0%}", good


def basics(found: dict) -> Iterator[Row]:
    for name, s in found["tasks"].items():
        wanted = {"load CIFAR-10": 2.0}.get(name)
        measured = f"{s['value']:,.2f} {s['unit']}, at most {s['megabytes']:,} MB"
        what = f"{name}, an epoch with its validation" if "R0.4" in name else name
        if name == "load CIFAR-10":
            measured += f" (copying the pixels once: {found['load_limit_seconds']:.2f} s)"
        good = "" if wanted is None else _reached(s["value"] <= wanted)
        yield what, measured, "" if wanted is None else f"at most {wanted:.0f} s", good


def grading(found: dict) -> Iterator[Row]:
    what = f"`cifarlib grade`, {found['submissions']} submissions of {found['assignment']}"
    measured = f"{found['times_as_fast']:.1f} times as fast as nbgrader's autograde "
    measured += f"({found['cifarlib_seconds']:.0f} s, {found['jobs']} jobs)"
    yield what, measured, "2.5 times", _reached(found["times_as_fast"] >= 2.5)
    memory = found["largest_parent_mb"]
    yield f"{what}: memory of the parent", f"{memory} MB", "under 600 MB", _reached(memory < 600)
    if scale := found.get("scale"):
        what = f"time for each submission, {scale['submissions']} against {found['submissions']}"
        measured = f"{scale['seconds_each']:.2f} s against {scale['seconds_each_before']:.2f} s"
        good = _reached(scale["seconds_each"] <= 1.15 * scale["seconds_each_before"])
        yield what, measured, "no more than 1.15 times", good
        memory = scale["largest_parent_mb"]
        what = f"memory of the parent, {scale['submissions']} submissions"
        yield what, f"{memory} MB", "under 600 MB", _reached(memory < 600)


def attacks(found: dict) -> Iterator[Row]:
    """Other graders' points; those of `cifarlib grade` are what tests/attacks hold it to."""
    for grader, version in found["graders"].items():
        for kind, rows in found["submissions"].items():
            sides = {name: _side(row[grader], row["right"]) for name, row in rows.items()}
            for word, wrong in (("too many points", 1), ("too few points", -1), ("none", None)):
                names = [name for name, side in sides.items() if side == wrong]
                if names:
                    listed = f"{len(names)} of {len(rows)}: {', '.join(names)}"
                    yield f"{kind} by {grader} {version}: {word}", listed, "", ""
            if set(sides.values()) == {0}:
                yield f"{kind} by {grader} {version}: all right", f"{len(rows)}", "", ""
    count = sum(len(rows) for rows in found["submissions"].values())
    what = "the same by `cifarlib grade` (`tests/attacks`, with every test run)"
    yield what, f"{count} of {count} right", "all right", "yes"


def _side(points: float | None, right: float) -> int | None:
    """Return 1 for too many points, -1 for too few, 0 for the right ones, None for none."""
    return None if points is None else (points > right) - (points < right)


def runner(found: dict) -> Iterator[Row]:
    if course := found.get("course"):
        what = f"the smoke course ({len(course['papermill_each'])} notebooks), "
        what += f"`--jobs {course['jobs']}`, against one `papermill` command after the other"
        share, seconds = course["share_of_papermill"], course["cifarlib_seconds"]
        measured = f"{seconds:.0f} s, {share:.2f} of its time"
        good = _reached(share <= course["wanted"])
        yield what, measured, f"at most {course['wanted']:.2f}", good
        most = course["wanted_seconds"]
        what = f"the smoke course, `--jobs {course['jobs']}`"
        memory = f", {course['gb']:.1f} GB" if "gb" in course else ""
        yield what, f"{seconds:.0f} s{memory}", f"at most {most} s", _reached(seconds <= most)
    if serial := found.get("serial"):
        what = f"the smoke course ({serial['notebooks']} notebooks), one at a time"
        measured = f"{serial['seconds']:.0f} s, {serial['gb']:.1f} GB"
        good = _reached(serial["seconds"] <= serial["wanted"])
        yield what, measured, f"{serial['wanted']} s", good
        measured = f"{serial['cached_seconds']:.1f} s, {serial['cached_gb']:.1f} GB"
        good = _reached(serial["cached_seconds"] <= serial["cached_wanted"])
        yield "the same, when nothing has changed", measured, f"{serial['cached_wanted']} s", good
    if quick := found.get("quick"):
        course = {path.stem for path in (HERE.parent / "notebooks").glob("[0-9]*.ipynb")}
        missing = sorted(name[:2] for name in course - set(quick["minutes_each"]))
        left_out = f" without {', '.join(missing)}" if missing else ""
        what = f"the course on real data, `quick`{left_out}, `--jobs {quick['jobs']}`"
        each = ", ".join(f"{name[:2]} {m:.1f}" for name, m in quick["minutes_each"].items())
        yield what, f"{quick['minutes']:.0f} minutes ({each}), {quick['gb']:.1f} GB", "", ""
    if overhead := found.get("overhead"):
        seconds = overhead["overhead_seconds"]
        what = "what the runner adds to a notebook, over nbclient in one process"
        good = _reached(seconds < overhead["wanted"])
        yield what, f"{seconds:.2f} s", f"under {overhead['wanted']:.0f} s", good
    if linear := found.get("linear"):
        each = linear["seconds_a_notebook"]
        counts = ", ".join(f"{seconds:.2f} s with {n}" for n, seconds in each.items())
        what = (
            f"time for each notebook of 2 seconds, by number of copies, `--jobs {linear['jobs']}`"
        )
        good = _reached(linear["spread"] <= linear["wanted"])
        yield what, counts, f"within {linear['wanted']:.0%} of each other", good
        further = linear["seconds_a_further_notebook"]
        counts = ", ".join(f"{seconds:.2f} s from {span}" for span, seconds in further.items())
        yield "time for each further notebook", counts, "", ""
    if setup := found.get("setup"):
        what = "the environment, by `make` in a fresh copy (packages from an index nearby)"
        yield what, f"{setup['seconds']:.0f} s", "", ""


def _reached(good: bool) -> str:
    return "yes" if good else "**no**"


def text() -> str:
    """Return the page."""
    parts = [HEAD]
    for section in (
        epochs,
        beat_the_reports,
        frozen_features,
        augmentation,
        runner,
        grading,
        attacks,
        basics,
    ):
        path = HERE / "results" / f"{section.__name__}.json"
        if not path.exists():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        parts.append(f"## {section.__name__.replace('_', ' ').capitalize()}\n")
        parts.append(f"`python benchmarks/{section.__name__}.py`. {_machine(found)}\n")
        parts.append("| | measured | wanted | reached |\n|---|---|---|---|")
        parts += [f"| {' | '.join(row)} |" for row in section(found)]
        parts[-1] += "\n"
    return "\n".join(parts)


def _machine(found: dict) -> str:
    facts = found["environment"]
    versions = ", ".join(f"{k} {facts['versions'][k]}" for k in ("keras", "tensorflow"))
    gpus = ", ".join(facts["gpus"]) or "no GPU"
    return f"{facts['cpu']}, {facts['cores']} cores, {gpus}; {versions}."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if it differs")
    if not parser.parse_args().check:
        write_atomic(PAGE, text())
        return 0
    if PAGE.read_text(encoding="utf-8") == text():
        return 0
    print(f"{PAGE.name} is not what the results say. Run: python benchmarks/page.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
