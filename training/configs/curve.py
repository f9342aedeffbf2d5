"""A point of the learning curve: a network from scratch on a share of the slides (`--set slides_share=0.25`).

As long as two CPU cores manage for three shares in two hours; docs/results.md has the curve.
"""

_base_ = ["cpu_finer.py"]

mpp = 0.5
patch_px = (96, 96)  # 48 um, as the members see
iterations = 4500
learning_rate = 1e-3
warmup = dict(iterations=250, start=1e-5)
ema_momentums = [2e-3]
watch_every = 4500
# alike for all shares: in a small one some mined sets have no slide
sampling = dict(data_set_weights=dict(_delete_=True, mf_crops=2.0))
