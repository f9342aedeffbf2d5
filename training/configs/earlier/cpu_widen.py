"""Going on from bundle 0.2 with other tumours, species and scanners, and with mined imposters, on two CPU cores.

docs/results-before.md has the commands that make the indexes in work_dirs.
"""

_base_ = ["../cpu_half.py"]

iterations = 2600
learning_rate = 5e-4  # half of a run from scratch: the weights know what a figure is, and have new domains to learn
warmup = dict(iterations=100, start=1e-5)
ema_momentums = [5e-3, 2.5e-3]  # a third would cost another look of a minute
watch_every = 1300
validation_patches = 64
shares = dict(figure=0.4, imposter=0.3, anywhere=0.3)
sampling = dict(
    balanced=True,
    data_set_power=0.0,
    # crops hold one figure each and no imposter; mined are 24 imposters of one canine slide, 56 of whole frames
    data_set_weights={"mf_crops": 0.6, "canine_tiles-mined": 0.4, "mitos14-mined": 0.8},
)
data = [
    "../shared/data/mitos14",
    "../shared/data/mitos14_patches",
    "../shared/data/icpr2012_train",
    "work_dirs/mf_crops/train",
    "work_dirs/mined",
    "work_dirs/mined-seen",
]
licence = (
    "Apache-2.0 for the weights as a work of this project; the data sets state no terms (ICPR 2012, MITOS-ATYPIA-14) "
    "or MIT for their repository (AMi-Br, canine tiles)"
)
