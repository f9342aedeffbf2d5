"""Five folds by slide over MITOS-ATYPIA-14 on two CPU cores; docs/experiments.md has the command."""

_base_ = ["cpu_half.py"]

ema_momentums = [5e-3, 2.5e-3, 1e-3]  # for the 1,500 iterations that fit into 15 minutes
watch_every = 500
validation_patches = 128
data = [
    "../shared/data/mitos14",
    "../shared/data/mitos14_patches",
    "../shared/data/icpr2012_train",
    "../shared/data/mf_crops",
]
held_back = []
