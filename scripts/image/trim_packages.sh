#!/usr/bin/env bash
# In the image's build: trim_packages.sh TARGET SITE_PACKAGES takes out what can never run there, before it is a layer.
set -euo pipefail
target="$1" site="$2"
cd "$site"

# tests, headers and stubs of libraries
find . -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete

# OpenVINO: devices without a driver in here, and formats of models that are not ONNX
libs=openvino/libs
rm -f "$libs"/libopenvino_intel_{gpu,npu}_plugin.so "$libs"/cache.json
rm -f "$libs"/libopenvino_{tensorflow,tensorflow_lite,pytorch,paddle,jax,gguf}_frontend.so*

# It reports each import of OpenVINO to its makers, and complains where HOME is read-only; OpenVINO works without it
rm -rf openvino_telemetry openvino_telemetry-*.dist-info

if [ "$target" = gpu ] && [ -d tensorrt_libs ]; then
    # engines are built by a library for each GPU architecture; all of them together weigh several GB
    for file in tensorrt_libs/libnvinfer_builder_resource_*; do
        case " ${GPU_ARCHITECTURES:?} ptx " in
            *" $(sed -E 's/.*_resource_(sm)?([a-z0-9]+)\.so.*/\2/' <<<"$file") "*) ;;
            *) rm -f "$file" ;;
        esac
    done
    # runtimes for engines of other kinds than ours
    rm -f tensorrt_libs/libnvinfer_{lean,dispatch}.so*
fi
