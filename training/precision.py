"""What networks are trained and scored in: bfloat16 where the device computes it, f32 where it would imitate it.

A CPU without bf16 instructions imitates them far slower than it computes f32.
"""

import torch

from algorithm.engines.openvino import native_bf16


def computes_bf16(device: str) -> bool:
    """Return whether "cuda" or "cpu" has bf16 arithmetic of its own."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return native_bf16()


def precision(device: str) -> str:
    """Return "bf16" or "f32"."""
    return "bf16" if computes_bf16(device) else "f32"


def autocast(device: str) -> torch.autocast:
    """Return the context in which a network runs; it needs no loss scaling."""
    return torch.autocast(device, torch.bfloat16, enabled=computes_bf16(device))
