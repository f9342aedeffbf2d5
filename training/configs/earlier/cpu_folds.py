"""Five folds by slide that go on from cpu_shared, on two CPU cores; docs/results.md has the commands."""

_base_ = ["cpu_alone.py"]

patch_px = (128, 128)  # 64 um: between those of cpu_shared and of a tile
iterations = 600
warmup = dict(iterations=60, start=1e-5)
ema_momentums = [5e-3]
watch_every = 600
save_every = 200
held_back = []
sampling = dict(data_set_weights={"mf_crops": 0.8})  # cpu_shared has seen most of them
