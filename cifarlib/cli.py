"""The command `cifarlib`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cifarlib.errors import CourseError
from cifarlib.runner.run_arguments import add_run_arguments, seeds

if TYPE_CHECKING:
    from cifarlib.data import mirror

DATASETS_HELP = "which ones (default: all that the course uses)"


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; 2 stands for a mistake in what was asked."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except CourseError as error:
        print(f"cifarlib: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("cifarlib: stopped.", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    from cifarlib.runner.plan import plan
    from cifarlib.runner.run import run

    names = ("timeout", "minutes", "memory", "jobs", "threads", "fresh", "scheduler")
    chosen = plan(
        args.notebooks,
        profile=args.profile,
        seeds=args.seeds,
        parameters=dict(args.parameters),
        mirror=args.mirror,
        out=args.out,
        **{name: getattr(args, name) for name in names},
    )
    return run(chosen, dry_run=args.dry_run)


def _accept(args: argparse.Namespace) -> int:
    from cifarlib.runner.promote_outputs import promote_outputs

    for path in promote_outputs(args.out, allow_smoke=args.allow_smoke):
        print(f"took outputs into {path}")
    return 0


def _drift(args: argparse.Namespace) -> int:
    from cifarlib.runner.compare_versions import compare_versions

    text = compare_versions(args.out, args.lock)
    print(text or "All is as expected.")
    return 1 if text else 0


def _doctor(_args: argparse.Namespace) -> int:
    from cifarlib.runner.doctor import doctor

    return doctor()


def _ledger_show(_args: argparse.Namespace) -> int:
    from cifarlib.ledger.overview import overview

    print(overview())
    return 0


def _ledger_measure(args: argparse.Namespace) -> int:
    from cifarlib.ledger import merging
    from cifarlib.runner.measure import measure, recipe

    for id in args.ids:
        recipe(id, args.epochs)  # a mistake in the last one shows before the first hour
    out = Path(args.out).absolute()
    for seed in args.seeds:
        for id in args.ids:
            folder = out / f"{id}-seed{seed}"
            measure(id, seed, folder, mirror=args.mirror, epochs=args.epochs, rate=args.rate)
            merging.merge(folder)
    return 0


def _ledger_replicate(args: argparse.Namespace) -> int:
    from cifarlib.runner.replicate_seeds import replicate

    options = {"profile": args.profile, "mirror": args.mirror, "jobs": args.jobs}
    return replicate(args.ids, args.seeds, args.out, **options)


def _ledger_sync(args: argparse.Namespace) -> int:
    from cifarlib.ledger import prose

    notebooks = [*Path("notebooks").glob("*.ipynb"), *Path("solutions").glob("*/*.ipynb")]
    paths = args.files or [*sorted(notebooks), Path("README.md")]
    problems = []
    for path in paths:
        if not path.is_file():
            raise CourseError(f"There is no {path} here. Change into the course's folder.")
        print(f"{path}: {prose.update(path)} texts changed")
        problems += prose.check(path)
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems else 0


def _release(args: argparse.Namespace) -> int:
    from cifarlib.grader import release

    if not args.check:
        for path in release.release(".", args.assignments):
            done = "wrote" if path.exists() else "took away"
            print(f"{done} {path.relative_to(Path.cwd())}")
        return 0
    lines = release.stale(".", args.assignments)
    print(*lines, sep="\n", file=sys.stderr) if lines else print("The exercises are up to date.")
    return 1 if lines else 0


def _grade(args: argparse.Namespace) -> int:
    from cifarlib.grader.grade import main as grade

    return grade(args)


def _fetch(args: argparse.Namespace) -> int:
    from cifarlib.data import mirror

    return _print_rows(mirror.fetch(args.names or mirror.ITEMS))


def _verify(args: argparse.Namespace) -> int:
    from cifarlib.data import mirror

    return _print_rows(mirror.verify(args.mirror))


def _bundle(args: argparse.Namespace) -> int:
    from cifarlib.data import mirror

    return _print_rows(mirror.bundle(args.destination, args.names or mirror.ITEMS))


def _print_rows(rows: list[mirror.Row]) -> int:
    width = max((len(row.file) for row in rows), default=0)
    for row in rows:
        print(f"{row.file:<{width}}  {row.status:<12}  {row.detail}".rstrip())
    return 0 if all(row.ok for row in rows) else 1


def _version() -> str:
    from cifarlib._support.environment import versions

    return f"cifarlib {versions().get('cifarlib', 'unknown')}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cifarlib", description="Run and look after the notebook course."
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_run_arguments(_command(commands, "run", _run, "execute notebooks and write a result page"))

    accept = _command(
        commands, "accept", _accept, "take a good run's outputs into notebooks/ and the ledger"
    )
    accept.add_argument("out", metavar="OUT", help="folder that `cifarlib run` wrote")
    accept.add_argument("--allow-smoke", action="store_true", help="accept stand-in data too")

    drift = _command(
        commands, "drift", _drift, "say what in a run is not as expected, and fail if anything is"
    )
    drift.add_argument("out", metavar="OUT", help="folder that `cifarlib run` wrote")
    drift.add_argument("--lock", default="requirements.lock", metavar="FILE")

    _command(commands, "doctor", _doctor, "check this machine and say what to mend")
    _ledger_commands(commands)

    release = _command(commands, "release", _release, "make exercises/ from solutions/")
    release.add_argument(
        "assignments",
        nargs="*",
        metavar="ASSIGNMENT",
        help='number ("02") or name ("02_counting_parameters") (default: all)',
    )
    release.add_argument("--check", action="store_true", help="change nothing; fail if stale")

    from cifarlib.grader.grade_arguments import add_arguments

    add_arguments(_command(commands, "grade", _grade, "grade submissions safely"))

    data = commands.add_parser("data", help="get, check or pack the datasets and weights")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    fetch = _command(actions, "fetch", _fetch, "download into the Keras cache")
    fetch.add_argument("names", nargs="*", metavar="NAME", help=DATASETS_HELP)
    verify = _command(actions, "verify", _verify, "compare files with the official checksums")
    verify.add_argument("--mirror", type=Path, metavar="DIR", help="default: CIFARLIB_MIRROR")
    bundle = _command(actions, "bundle", _bundle, "copy into a folder for machines without network")
    bundle.add_argument("destination", type=Path, metavar="DIR")
    bundle.add_argument("names", nargs="*", metavar="NAME", help=DATASETS_HELP)
    return parser


def _ledger_commands(commands: argparse._SubParsersAction) -> None:
    text = "list what was claimed and what was measured, or measure more"
    ledger = _command(commands, "ledger", _ledger_show, text)
    actions = ledger.add_subparsers(metavar="ACTION")
    measure = _command(
        actions, "measure", _ledger_measure, "train systems by the reports' own recipes"
    )
    measure.add_argument("ids", nargs="+", metavar="ID", help='system, such as "R1.4"')
    measure.add_argument("--seeds", type=seeds, default=[0], help="one seed or a range: 0-4")
    measure.add_argument("--mirror", metavar="DIR", help="default: CIFARLIB_MIRROR")
    measure.add_argument("--epochs", type=int, help="used where a report does not say")
    measure.add_argument(
        "--rate", type=float, help="another learning rate than the report's, as a variant"
    )
    measure.add_argument("--out", metavar="DIR", default=Path("runs") / "measure")
    text = "run the notebooks of systems with several seeds, and keep the results as bands"
    replicate = _command(actions, "replicate", _ledger_replicate, text)
    replicate.add_argument("ids", nargs="+", metavar="ID", help='system, such as "R0.4"')
    replicate.add_argument("--seeds", type=seeds, default=list(range(5)), help="default: 0-4")
    replicate.add_argument("--profile", default="quick", help="quick or full (default: quick)")
    replicate.add_argument("--mirror", metavar="DIR", help="default: CIFARLIB_MIRROR")
    replicate.add_argument("--jobs", type=int, default=1, metavar="N", help="notebooks at a time")
    replicate.add_argument("--out", metavar="DIR", default=Path("runs") / "replicate")
    sync = _command(actions, "sync", _ledger_sync, "rewrite the figures in sentences")
    sync.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all")


def _command(group: argparse._SubParsersAction, name: str, function: object, text: str):
    parser = group.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.set_defaults(command=function)
    return parser


if __name__ == "__main__":
    sys.exit(main())
