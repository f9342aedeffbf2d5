"""Patches of 32, then 48, then 64 um instead of 48 all the time: 7 % more pixels in all."""

_base_ = ["short.py"]

smaller_first = [(0.333, (64, 64)), (0.667, (96, 96))]
patch_px = (128, 128)
