"""Going on from the members of cpu_thirds, with more of the figures of other tumours, on two CPU cores.

Bundle 0.5 reported fewer of them than the bundle before it. docs/results-before.md has the
commands, with held_back for each.
"""

_base_ = ["cpu_thirds.py"]

iterations = 2400
watch_every = 2400
sampling = dict(data_set_weights={"mf_crops": 1.5})
