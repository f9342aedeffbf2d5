"""Asks an advisory service about an image's Python packages: `audit.py INVENTORY TARGET`. Says so if none answered.

Packages of the system are not asked about. Ends with 0 in any case: what to do about an advisory, a person decides.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

NONE_MADE = "NO AUDIT WAS MADE"
TIMEOUT_S = 300


def asked(inventory: dict) -> tuple[dict | None, str]:
    """Return pip-audit's report, or None and the reason why there is none."""
    pins = "".join(f"{package['name']}=={package['version']}\n" for package in inventory["python_packages"])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(pins)
        requirements.flush()
        command = [sys.executable, "-m", "pip_audit", "--requirement", requirements.name, "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return None, f"the advisory service did not answer within {TIMEOUT_S} s"
    try:
        return json.loads(ended.stdout), ""
    except ValueError:
        return None, (ended.stderr.strip().splitlines() or [f"pip-audit ended with {ended.returncode}"])[-1]


def summary(report: dict | None, reason: str = "") -> list[str]:
    """Return what a person has to know, in lines. A package that the service does not know was not audited."""
    if report is None:
        return [f"{NONE_MADE}: {reason}"]
    packages = report["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        first = packages[0]["skip_reason"] if packages else "there are no packages"
        return [f"{NONE_MADE}: the advisory service knew none of {len(packages)} packages ({first})"]
    said = [
        f"{package['name']} {package['version']}: {advisory['id']}, mended in {advisory['fix_versions'] or '?'}"
        for package in packages
        for advisory in package.get("vulns", [])
    ]
    known = f"{len(said)} known advisories" if said else "no known advisory"
    said.append(f"audit: {known} in {len(packages) - len(skipped)} of {len(packages)} Python packages")
    return said + ([f"not audited: {', '.join(skipped)}"] if skipped else [])


def main() -> int:
    """Ask, keep the report, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inventory", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    report, reason = asked(json.loads(arguments.inventory.read_text(encoding="utf-8")))
    lines = summary(report, reason)
    kept = {"summary": lines, "report": report}
    arguments.target.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
