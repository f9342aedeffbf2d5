"""At 0.25 um/px with patches of as many pixels: a quarter of the tissue a step, at twice the resolution."""

_base_ = ["base.py"]

mpp = 0.25
