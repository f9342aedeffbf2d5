# Two images of one algorithm: `cpu` (OpenVINO) and `gpu` (CUDA 12.6, TensorRT, ONNX Runtime). ./build.sh builds them.
#
# API_METHOD chooses how grand-challenge.org calls the image. exec: the entrypoint runs once for each case. invoke: it is
# a server, and a label says so. A stage for each of them carries entrypoint and label together, so they cannot disagree.
#
# Packages are installed in stages of their own and come into the images as finished folders: no pip, cache or wheel
# stays in a layer. Where wheels/cpu or wheels/gpu holds wheels (./build.sh fetches them) nothing else is installed from.

# what both tags stood for when they were chosen; another base needs Debian's or Ubuntu's tools and Python 3.11 or newer
ARG BASE_IMAGE=python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84
ARG GPU_BASE_IMAGE=nvidia/cuda:12.6.3-base-ubuntu24.04@sha256:c87e78933f4c16e3272123bf2f75537306596d0fbaa395a29696a22786e5ee0e
ARG API_METHOD=exec


# ---------------------------------------------------------------- cpu
FROM ${BASE_IMAGE} AS cpu-system
COPY scripts/image/prepare_system.sh /
RUN bash /prepare_system.sh && rm /prepare_system.sh

FROM cpu-system AS cpu-packages
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
WORKDIR /opt/app
COPY requirements.txt constraints.txt scripts/image/install_packages.sh scripts/image/trim_packages.sh /build/
RUN --mount=type=bind,source=wheels,target=/wheels bash /build/install_packages.sh cpu requirements.txt
COPY algorithm algorithm
RUN /opt/venv/bin/python -m compileall -q algorithm

FROM cpu-system AS cpu-run
COPY --from=cpu-packages /opt/venv /opt/venv
COPY --from=cpu-packages /opt/app /opt/app
# The root is read-only on the platform and HOME may be, too: whatever keeps a cache keeps it below /tmp.
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    XDG_CONFIG_HOME=/tmp/config
WORKDIR /opt/app
USER user

FROM cpu-run AS cpu-exec
ENTRYPOINT ["python", "-m", "algorithm", "run"]

FROM cpu-run AS cpu-invoke
LABEL org.grand-challenge.api-method="invoke"
EXPOSE 4743
ENTRYPOINT ["python", "-m", "algorithm", "serve"]

FROM cpu-${API_METHOD} AS cpu
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mitosis-detector (cpu)" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="Apache-2.0"


# ---------------------------------------------------------------- gpu
FROM ${GPU_BASE_IMAGE} AS gpu-system
COPY scripts/image/prepare_system.sh /
RUN bash /prepare_system.sh && rm /prepare_system.sh

FROM gpu-system AS gpu-packages
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
# compute capabilities that TensorRT can build engines for in this image: T4, A10G. Each costs 0.1 to 0.5 GB.
ARG GPU_ARCHITECTURES="75 86"
WORKDIR /opt/app
COPY requirements.txt requirements-gpu.txt constraints.txt scripts/image/install_packages.sh scripts/image/trim_packages.sh /build/
RUN --mount=type=bind,source=wheels,target=/wheels bash /build/install_packages.sh gpu requirements-gpu.txt
COPY algorithm algorithm
RUN /opt/venv/bin/python -m compileall -q algorithm

FROM gpu-system AS gpu-run
COPY --from=gpu-packages /opt/venv /opt/venv
COPY --from=gpu-packages /opt/app /opt/app
# /opt/cuda-libraries: links to what the NVIDIA wheels hold, made by install_packages.sh; the loader searches it.
COPY --from=gpu-packages /opt/cuda-libraries /opt/cuda-libraries
ENV PATH=/opt/venv/bin:/usr/local/nvidia/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LD_LIBRARY_PATH=/opt/cuda-libraries:/usr/local/nvidia/lib:/usr/local/nvidia/lib64 \
    PYTHONPATH=/opt/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    XDG_CONFIG_HOME=/tmp/config \
    CUDA_CACHE_PATH=/tmp/cache/cuda \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /opt/app
USER user

FROM gpu-run AS gpu-exec
ENTRYPOINT ["python", "-m", "algorithm", "run"]

FROM gpu-run AS gpu-invoke
LABEL org.grand-challenge.api-method="invoke"
EXPOSE 4743
ENTRYPOINT ["python", "-m", "algorithm", "serve"]

FROM gpu-${API_METHOD} AS gpu
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mitosis-detector (gpu)" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="Apache-2.0"
