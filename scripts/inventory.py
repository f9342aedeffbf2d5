"""Run inside of an image by its own Python: prints all packages in it as JSON. Knows only the standard library."""

import importlib.metadata
import json
import platform
import sys
from pathlib import Path

DPKG_STATUS = Path("/var/lib/dpkg/status")


def python_packages() -> list[dict[str, object]]:
    """Return the distributions of this Python's environment, by name."""
    found = []
    for one in importlib.metadata.distributions():
        facts = one.metadata
        classifiers = [value for key, value in facts.items() if key == "Classifier" and value.startswith("License ::")]
        found.append(
            {
                "name": facts["Name"],
                "version": one.version,
                "licence_expression": facts.get("License-Expression"),
                "licences": [value.split(" :: ")[-1] for value in classifiers] or _one_line(facts.get("License")),
                "requires": [text for text in one.requires or [] if "extra ==" not in text],
            }
        )
    return sorted(found, key=lambda package: package["name"].lower())


def _one_line(licence: str | None) -> list[str]:
    """Return a licence's name; some packages put the whole text there."""
    return [licence] if licence and "\n" not in licence and len(licence) < 100 else []


def debian_packages(status: str) -> list[dict[str, str]]:
    """Return what dpkg has installed, from the text of its status file."""
    found = []
    for block in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(" "))
        if fields.get("Status", "").endswith(" installed"):
            found.append({key.lower(): fields[key] for key in ("Package", "Version", "Architecture")})
    return sorted(found, key=lambda package: package["package"])


def inventory() -> dict[str, object]:
    """Return everything."""
    release = platform.freedesktop_os_release()
    return {
        "system": {"id": release["ID"], "name": release["NAME"], "version": release.get("VERSION_ID", "")},
        "python": platform.python_version(),
        "python_packages": python_packages(),
        "system_packages": debian_packages(DPKG_STATUS.read_text("utf-8")) if DPKG_STATUS.exists() else [],
    }


if __name__ == "__main__":
    json.dump(inventory(), sys.stdout, indent=1)
