"""As cpu_hard, with cells pasted into other tissue: only figures are published of the tumours of mf_crops.

docs/results-before.md has the commands, with held_back for each.
"""

_base_ = ["cpu_hard.py"]

iterations = 1500
watch_every = 1500
augment = dict(pasted_share=0.3)
