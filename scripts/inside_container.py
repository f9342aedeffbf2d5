"""Run inside of a container by its own Python: what the platform forbids is forbidden, nothing ships that must not.

Prints a line for each fault and ends with 1 when there is any. Knows nothing but the standard library.
"""

import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

READ_ONLY = ("/", "/opt/app", "/opt/ml/model", "/input", str(Path.home()))
WRITABLE = ("/tmp", "/output")
TOOLS = ("gcc", "cc", "g++", "clang", "ld", "pip", "pip3")
MODULES = ("openvino_telemetry", "torch", "mmdet", "mmengine", "pip", "training", "export")


def can_write(folder: str) -> bool:
    """Return whether a file can be made there."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def status(key: str) -> str:
    """Return what the kernel says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{key}:"))


def faults() -> list[str]:
    """Return what is not as on the platform, in words."""
    said = [f"{folder} can be written" for folder in READ_ONLY if can_write(folder)]
    said += [f"{folder} cannot be written" for folder in WRITABLE if not can_write(folder)]
    said += [f"/tmp is not fresh: {name}" for name in os.listdir("/tmp")]
    if os.getuid() == 0 or os.getgid() == 0:
        said.append(f"runs as root: uid {os.getuid()}, gid {os.getgid()}")
    if int(status("CapEff"), 16) or int(status("CapBnd"), 16):
        said.append(f"has capabilities: {status('CapEff')}, at most {status('CapBnd')}")
    if status("NoNewPrivs") != "1":
        said.append("may gain privileges")
    if others := {name for _, name in socket.if_nameindex()} - {"lo"}:
        said.append(f"has a network: {', '.join(sorted(others))}")
    said += [f"{name} is installed" for name in TOOLS if shutil.which(name)]
    said += [f"{name} can be imported" for name in MODULES if importlib.util.find_spec(name)]
    said += [f"{path} is left over" for path in ("/wheels", "/build") if os.path.exists(path)]
    said += [f"{name} is {value}" for name, value in os.environ.items() if name.startswith("GRAND_CHALLENGE_")]
    return said


if __name__ == "__main__":
    found = faults()
    print("\n".join(found) or f"as on the platform: uid {os.getuid()}, Python {sys.version.split()[0]}")
    sys.exit(bool(found))
