"""The table of the last stress test in ``docs/reliability.md``."""


def stress_test_block(report):
    """Summarise a stress test as a Markdown table.

    Parameters
    ----------
    report : dict
        The content of ``reports/reliability.json``.

    Returns
    -------
    str
    """
    kills, disks, odd = report["kills"], report["disks"], report["odd inputs"]
    possible = (
        f"{2 * sum(kills['replacements'].values())}, in {len(kills['replacements'])} scenarios"
    )
    scenarios = f", in {len(disks['commands'])} scenarios"
    tried = kills["killed before"] + kills["killed after"]
    rows = [
        ("kills just before or after a replacement of a file", f"{tried} of {possible}"),
        ("kills at random times", kills["killed at random"]),
        ("randomly damaged files", report["mutations"]["inputs"]),
        ("longest time to read a damaged file", f"{report['mutations']['slowest']} s"),
        ("recordings with unusual names", odd["names"]),
        ("recordings with unusual sound", odd["recordings"]),
        ("runs with a limit on the size of files", f"{disks['file size limited']}{scenarios}"),
        ("runs on a full disk", disks["disk full"]),
        ("runs on a read-only disk", disks["disk read-only"]),
        ("**failures**", f"**{report['failures']}**"),
    ]
    took = f"{report['minutes']} minutes on {report['date']}, seed {report['seed']}"
    lines = [f"| {what} | {count} |" for what, count in rows]
    return "\n".join([f"| {took} | |", "|---|---:|", *lines])
