"""Members at 0.25 um/px, from ones at 0.375 (bundle 0.11) or 0.25 (0.12): half an hour on two CPU cores, alone.

Patches show the same 48 um in 2.25 times the pixels. In a bundle whose first member finds candidates at a coarser scale
only those are looked at so closely. docs/results.md has what came of it, beside a run that stayed at 0.375.
"""

_base_ = ["cpu_finer.py"]

mpp = 0.25
patch_px = (192, 192)
iterations = 2800
watch_every = 2800  # once, at the end
