"""Neither blurred nor stored as JPEG again."""

_base_ = ["short.py"]

augment = dict(blur_share=0.0, jpeg_share=0.0)
