"""Five folds over MITOS-ATYPIA-14 on two CPU cores: `python -m training crossval` with --minutes 15 takes 80 minutes."""

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
sampling = dict(data_set_weights=dict(mf_crops=1.5))  # a fifth of the patches
