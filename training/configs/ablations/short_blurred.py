"""Blurred and stored as JPEG again twice as often, and more so."""

_base_ = ["short.py"]

augment = dict(blur_share=0.4, blur_sigma_px=1.5, jpeg_share=0.6, jpeg_quality=(40, 95))
