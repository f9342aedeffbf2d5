"""Patches of 32, then 48, then 64 um instead of 48 all the time: as many pixels and 8 % more."""

_base_ = ["short.py"]

smaller_first = [(333, (64, 64)), (667, (96, 96))]
patch_px = (128, 128)
