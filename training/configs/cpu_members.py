"""How the members of the released bundle go on, from its own weights, on two CPU cores in an hour and a half.

Each leaves out a third of the slides (held_back), so that every slide is judged by one that never saw it.
docs/results.md has the commands, also those that make the indexes in work_dirs; earlier/ has the steps before.
"""

_base_ = ["cpu_half.py"]

patch_px = (128, 128)  # 64 um around a cell: more cells a second than larger ones
iterations = 5400
warmup = dict(iterations=60, start=1e-5)
ema_momentums = [5e-3, 2e-3]
save_every = 300
watch_every = 5400  # once, at the end: a look takes minutes
validation_patches = 64
shares = dict(figure=0.4, imposter=0.35, anywhere=0.25)
sampling = dict(
    # mined imposters: of the frames as many as annotated, of skin those of the one slide that is mined
    data_set_weights={
        "mf_crops": 2.0,  # figures of other tumours, species and scanners
        "mitos14-mined": 1.5,
        "mitos14_patches-mined": 1.2,
        "icpr2012_train-mined": 1.5,
        "icpr2012_train": 1.0,
        "canine_tiles-mined": 1.0,
    }
)
# crops hold figures only: neither their look nor their tissue may say "figure"
augment = dict(isolated_share=0.25, pasted_share=0.3, stain_factor=0.3, stain_shift=0.1)
data = [
    "../shared/data/mitos14",
    "../shared/data/mitos14_patches",
    "../shared/data/icpr2012_train",
    "work_dirs/mf_crops/train",
    "work_dirs/harder-frames",
    "work_dirs/harder-windows",
    "work_dirs/harder-icpr",
    "work_dirs/harder-icpr-seen",
    "work_dirs/harder-skin",
]
held_back = ["H04", "H12", "H14", "A04"]  # A04 may be the glass of H04
licence = (
    "Apache-2.0 for the weights as a work of this project; the data sets state no terms (ICPR 2012, MITOS-ATYPIA-14) "
    "or MIT for their repository (AMi-Br, canine tiles)"
)
