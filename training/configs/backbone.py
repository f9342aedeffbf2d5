"""A backbone for ablations/short.py to begin from (`python -m training pretrain`): it learns to classify cells.

Some six minutes on a CPU core. Patches of two boxes' side, their cell in the middle: figure, imposter or neither.
docs/results.md has what it is worth.
"""

_base_ = ["ablations/short.py"]

model = dict(type="PatchClassifier")
classes = 2  # neither is the third
patch_px = (64, 64)
batch = 32
ema_momentums = [5e-3]
