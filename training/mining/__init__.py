"""Hard negatives: what a trained network takes for figures where there are none, as imposters to train on.

Source: Marzahl and Napora, arXiv 2508.19804: the network runs over tissue without figures, and each detection
becomes a hard negative.
"""
