"""Going on from released weights with a small set, on two CPU cores in minutes; docs/training.md walks through it."""

_base_ = ["cpu_half.py"]

mpp = 0.375  # of the released bundle's first member
iterations = 300
learning_rate = 2e-4  # the weights know what a figure is; a full rate would forget more than a small set teaches
warmup = dict(iterations=50, start=1e-5)
ema_momentums = [5e-2, 2e-2, 1e-2]  # of 300 iterations the last 20, 50 and 100
save_every = 100
watch_every = 150
validation_patches = 64
data = ["work_dirs/mitos14"]
