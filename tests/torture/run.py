"""Torture the package: kills, mutated files, odd recordings, full disks; see `make torture`.

The result goes to ``reports/reliability.json`` and from there to ``docs/reliability.md``; the exit
code is 1 if anything failed.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "reports")]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.pop("SEDLIB_WORKSPACE", None)

RESULT, PAGE = ROOT / "reports" / "reliability.json", ROOT / "docs" / "reliability.md"
SHARES = {"odd inputs": 0.08, "disks": 0.17, "kills": 0.5, "mutations": 0.25}
SAMPLE_INPUTS = 150


def main():
    """Run all parts, each for its share of the time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="in all (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="of all random choices (default: 0)")
    parser.add_argument("--inputs", type=int, default=100_000, help="mutated (default: 100000)")
    parser.add_argument("--sample", action="store_true", help="a little of each, for `make test`")
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()
    import_all(arguments.sample)
    import disks
    import kills
    import mutations
    import odd_inputs
    from summary import stress_test_block

    from sedlib.files import write_json, write_text
    from sedlib.reports.tables import replace_block

    parts, start = list(SHARES), time.monotonic()
    report = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "tensorflow": version("tensorflow-cpu") if sys.platform == "linux" else None,
        "seed": arguments.seed,
        "minutes allowed": arguments.minutes,
    }
    modules = {"odd inputs": odd_inputs, "disks": disks, "kills": kills, "mutations": mutations}
    with tempfile.TemporaryDirectory(prefix="torture_") as folder:
        left = 60 * arguments.minutes
        for number, name in enumerate(parts):
            share = SHARES[name] / sum(SHARES[other] for other in parts[number:])
            begin = time.monotonic()
            options = {"sample": arguments.sample}
            if name == "mutations":
                options = {"count": SAMPLE_INPUTS if arguments.sample else arguments.inputs}
            scratch = Path(folder, name)
            counts = modules[name].torture(scratch, share * left, arguments.seed, **options)
            took = time.monotonic() - begin
            left -= took
            report[name] = {"seconds": round(took), **counts}
            print(f"{name}: {len(counts['failures'])} failures in {took:.0f} s", flush=True)
            for failure in counts["failures"][:20]:
                print(f"  {failure}")
    report["minutes"] = round((time.monotonic() - start) / 60, 1)
    report["failures"] = sum(len(report[name]["failures"]) for name in parts)
    write_json(report, arguments.output)
    if arguments.output == RESULT:
        text = PAGE.read_text(encoding="utf-8")
        write_text(replace_block(text, "stress-test", stress_test_block(report)), PAGE)
    sys.exit(1 if report["failures"] else 0)


def import_all(sample=False):
    """Import what the commands need, once, so that their forks need not; nothing is used here."""
    import sedlib.batch
    import sedlib.check
    import sedlib.cli
    import sedlib.detection
    import sedlib.sources

    if not sample:
        import sedlib.reports.cards
        import sedlib.reports.notebooks
        import sedlib.reports.site
        import sedlib.reports.tables
        import sedlib.training  # noqa: F401


if __name__ == "__main__":
    main()
