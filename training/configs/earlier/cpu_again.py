"""Going on from bundle 0.3 with the imposters that it still finds in what it was trained on, on two CPU cores.

docs/results-before.md has the commands that make the indexes in work_dirs.
"""

_base_ = ["cpu_widen.py"]

iterations = 1200
ema_momentums = [1e-2, 5e-3]
watch_every = 600
shares = dict(figure=0.4, imposter=0.35, anywhere=0.25)
sampling = dict(
    balanced=True,
    data_set_power=0.0,
    # 570 imposters of the Aperio frames, which have none annotated; 162 of windows, 61 of whole frames, 24 canine
    data_set_weights={
        "icpr2012_train": 0.5,
        "icpr2012_train-mined": 1.5,
        "mitos14_patches-mined": 0.7,
        "mf_crops": 1.2,
        "canine_tiles-mined": 0.4,
    },
)
data = [
    "../shared/data/mitos14",
    "../shared/data/mitos14_patches",
    "../shared/data/icpr2012_train",
    "work_dirs/mf_crops/train",
    "work_dirs/mined",
    "work_dirs/again-frames",
    "work_dirs/again-windows",
    "work_dirs/again-icpr",
]
