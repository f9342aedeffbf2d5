"""TensorRT on an NVIDIA GPU: a member's graph typed for it, built into a plan once for each kind of GPU, and run."""
