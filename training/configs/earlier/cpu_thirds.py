"""Members of a bundle that leave out a third of the slides each, going on from cpu_shared on two CPU cores.

Two long runs in the time of five short ones: bundle 0.4's member left out H05 and H07, these leave out the rest, so
that every slide is judged by one that never saw it. docs/results-before.md has the commands, with held_back for each.
"""

_base_ = ["cpu_folds.py"]

iterations = 2700
learning_rate = 1e-3
ema_momentums = [5e-3, 2e-3]
watch_every = 1350
save_every = 300
held_back = ["H04", "H12", "H14", "A04"]  # A04 may be the glass of H04
