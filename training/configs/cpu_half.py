"""For two CPU cores and an hour: small patches at 0.5 um/px, which buys four times the tissue a second."""

_base_ = ["_base_.py"]

mpp = 0.5
patch_px = (160, 160)
shares = dict(figure=0.5, imposter=0.15, anywhere=0.35)  # few imposters are annotated in these sets

iterations = 6500
watch_every = 500
batch = 16
accumulate = 1
ema_momentums = [2.5e-3, 1.25e-3, 6.25e-4]  # the paper's, for a third of the iterations
save_every = 500
workers = 1

data = ["../shared/data/mitos14", "../shared/data/mitos14_patches", "../shared/data/icpr2012_train"]
held_back = ["H07", "H14"]
licence = (
    "Apache-2.0 for the weights as a work of this project; the data sets state no terms (ICPR 2012, MITOS-ATYPIA-14)"
)
