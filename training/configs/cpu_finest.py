"""A member of bundle 0.10 gone on at 0.25 um/px instead of 0.375: patches show the same 48 um in 2.25 times the pixels.

docs/results.md says what came of it, beside a run of as many iterations that stayed at 0.375.
"""

_base_ = ["cpu_finer.py"]

mpp = 0.25
patch_px = (192, 192)
iterations = 3000
watch_every = 3000  # once, at the end
