"""The parts of `draw_sample.py`: noise, stains, tissue, cells, figures, and the files they end in.

The plain numbers in the drawing functions are amounts of stain, scales and spreads. They were set by eye
beside real sections, until mean colours, deviations and the power spectrum came near as well; no pixel was
taken over.
"""
