"""A point of the learning curve: a network from scratch on a share of the slides (`--set slides_share=0.25`).

Forty minutes on two CPU cores for two of them side by side; docs/results.md has the curve.
"""

_base_ = ["cpu_members.py"]

patch_px = (96, 96)  # 48 um, as the members see
iterations = 4500
warmup = dict(iterations=250, start=1e-5)
ema_momentums = [2e-3]
watch_every = 4500  # once, at the end
# alike for all shares: in a small one some mined sets have no slide
sampling = dict(data_set_weights=dict(_delete_=True, mf_crops=2.0))
