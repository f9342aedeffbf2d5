"""The members' recipe in a quarter of an hour from bundle 0.7, of whose members the first never saw hard imposters."""

_base_ = ["../cpu_members.py"]

iterations = 1500
watch_every = 1500
held_back = ["H05", "H07"]
