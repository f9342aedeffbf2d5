"""How large the gpu image gets, from its wheels: for machines that cannot build it.

    python -m pip download --only-binary :all: --python-version 3.12 --platform manylinux_2_28_x86_64 ... --dest WHEELS
    python -m benchmarks.image_size WHEELS

A wheel is a zip whose directory holds each file's unpacked size, so nothing is unpacked. What trim_packages.sh takes
out is left out. TensorRT's libraries come from NVIDIA's own server; where their wheel is not in WHEELS, the sizes below
are taken, which are those of the same release for CUDA 13, as a public project lists them from the wheel's RECORD.
"""

import argparse
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

MB = 1e6
TRIMMED = re.compile(  # scripts/image/trim_packages.sh
    r"(^|/)(tests|include)/|\.(pyi|pxd|h|a)$|openvino_intel_[gn]pu_plugin|openvino/libs/cache.json"
    r"|openvino_(tensorflow|tensorflow_lite|pytorch|paddle|jax|gguf)_frontend|libnvinfer_(lean|dispatch)\."
)
BUILDER = re.compile(r"libnvinfer_builder_resource_(?:sm)?([a-z0-9]+)\.so")
TENSORRT_MB = {
    "libnvinfer": 662.8,
    "libnvonnxparser": 5.1,
    "builder resource sm75": 115.9,
    "builder resource sm86": 175.9,
}
# not seen on this machine: nvidia/cuda:12.6.3-base-ubuntu24.04 with its own Python, TensorRT's plugins and ptx builder
ALLOWANCE_MB = {"base image and Python": 400, "TensorRT's plugins, ptx builder, and CUDA 12's larger kernels": 900}
BYTE_CODE = 1.8  # a module's .pyc is about 0.8 of its source


def unpacked_mb(wheel: Path, architectures: Iterable[str]) -> float:
    """Return what a wheel takes in the image, in MB."""
    total = 0.0
    with zipfile.ZipFile(wheel) as packed:
        for entry in packed.infolist():
            builder = BUILDER.search(entry.filename)
            if TRIMMED.search(entry.filename) or (builder and builder[1] not in {*architectures, "ptx"}):
                continue
            total += entry.file_size * (BYTE_CODE if entry.filename.endswith(".py") else 1)
    return total / MB


def main() -> None:
    """Print a line for each part and the sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path)
    parser.add_argument("--architectures", nargs="+", default=["75", "86"])
    arguments = parser.parse_args()
    wheels = sorted(arguments.wheels.glob("*.whl"))
    if not wheels:
        parser.error(f"{arguments.wheels}: no wheels there")
    parts = {wheel.name.split("-")[0]: unpacked_mb(wheel, arguments.architectures) for wheel in wheels}
    if "tensorrt_cu12_libs" not in parts:
        parts |= {f"{name} (CUDA 13's)": size for name, size in TENSORRT_MB.items()}
    parts |= {f"allowance: {name}": float(size) for name, size in ALLOWANCE_MB.items()}
    for name, size in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"{size:8.0f} MB  {name}")
    print(f"{sum(parts.values()):8.0f} MB  in all")


if __name__ == "__main__":
    main()
