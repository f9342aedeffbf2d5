"""Draw the sample image: a region of tumour tissue in H&E, with mitotic figures at known places.

No patient is in it: every pixel comes from the code beside this file and from one seed, so the image may be
shared freely and its truth is exact. It shows that an installation works; it measures no detector.
One machine draws the same bytes each time; another processor or library version may round differently.

Run `python test/input/draw_sample.py` to write, below --output,
  interf0/inputs.json and interf0/images/.../<id>.tif   the input as the platform lays it out
  sample-figures.csv                                    x, y (px), label (MF or NMF), phase
"""

import argparse
from pathlib import Path

import cv2
from drawing import files, scene

SEED = 20
WIDTH_PX, HEIGHT_PX = 2400, 1800  # 600 x 450 um


def main() -> None:
    """Draw, and write the three files."""
    parser = argparse.ArgumentParser(description="Draw the sample image and write it with its truth.")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder to write to")
    output = parser.parse_args().output
    cv2.setNumThreads(1)  # one order of summing, so the same bytes on every run
    picture, truth = scene.draw(SEED, width_px=WIDTH_PX, height_px=HEIGHT_PX)
    interface = output / "interf0"
    print(files.write_image(interface, picture))
    print(files.write_inputs(interface))
    print(files.write_truth(output / "sample-figures.csv", truth))


if __name__ == "__main__":
    main()
