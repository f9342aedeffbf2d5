#!/usr/bin/env bash
# In the image's build: install_packages.sh TARGET REQUIREMENTS makes /opt/venv. From /wheels/TARGET alone when wheels
# are there, without any network; else from pip's index.
set -euo pipefail
target="$1" requirements="$2"
cd /build

source=()
if ls "/wheels/$target"/*.whl >/dev/null 2>&1; then source=(--no-index --find-links "/wheels/$target"); fi

# pip itself stays outside of what is shipped
python3 -m venv /tmp/pip
python3 -m venv --without-pip /opt/venv
installer=(/tmp/pip/bin/python -m pip --disable-pip-version-check --no-cache-dir --python /opt/venv/bin/python)
"${installer[@]}" install --quiet "${source[@]}" --constraint constraints.txt --requirement "$requirements"
"${installer[@]}" check
bash /build/trim_packages.sh "$target" /opt/venv/lib/python3*/site-packages

if [ "$target" = gpu ]; then
    # onnxruntime looks for CUDA's libraries by name, and TensorRT for its builders; the wheels hold them in many folders
    mkdir -p /opt/cuda-libraries
    find /opt/venv/lib/python3*/site-packages -path '*/nvidia/*/lib/*.so*' -exec ln -s -t /opt/cuda-libraries {} +
    find /opt/venv/lib/python3*/site-packages -path '*/tensorrt_libs/*.so*' -exec ln -s -t /opt/cuda-libraries {} +
fi
