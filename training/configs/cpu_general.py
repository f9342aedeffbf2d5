"""What a figure is on other slides than those of MITOS-ATYPIA-14, to go on from in each fold of a cross-validation.

Slides 03 and 04 are in both contests, so those of ICPR 2012 watch and do not train; docs/experiments.md has the commands.
"""

_base_ = ["cpu_half.py"]

iterations = 2000
ema_momentums = [5e-3, 2.5e-3, 1e-3]
validation_patches = 128
shares = dict(figure=0.5, imposter=0.05, anywhere=0.45)  # ten imposters are annotated in these sets
sampling = dict(balanced=True, data_set_power=0.0, data_set_weights=dict(mf_crops=0.6, canine_tiles=0.4))
data = ["../shared/data/icpr2012_train", "work_dirs/mf_crops/train", "../shared/data/canine_tiles"]
held_back = ["A03", "A04", "0e56fd11"]
