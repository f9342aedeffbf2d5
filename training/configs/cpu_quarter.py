"""As cpu_half, at the full resolution of 0.25 um/px."""

_base_ = ["cpu_half.py"]

mpp = 0.25
patch_px = (256, 256)
