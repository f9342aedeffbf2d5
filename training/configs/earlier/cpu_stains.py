"""As cpu_further, with stains that differ as much as those of the slides here do, on two CPU cores.

The darkest hundredth of a slide's tissue holds 0.7 to 1.8 units of haematoxylin; the usual 15 % do not span that.
docs/results-before.md has the commands, with held_back for each.
"""

_base_ = ["cpu_further.py"]

iterations = 1700
watch_every = 1700
augment = dict(stain_factor=0.3, stain_shift=0.1)
