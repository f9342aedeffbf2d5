"""How strong each change is. All are off unless a config says otherwise; ours are in training/configs/_base_.py."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]  # of the patches


class AugmentSettings(BaseModel):
    """Largest changes, in the order in which they are made; each patch draws its own below them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Four patches in one, at this share of draws. The paper dropped it: tissue does not end in straight lines.
    mosaic_share: Share = 0.0
    # Patches of frames shown as a crop that was published alone is, 32 um and their reflections. Where crops hold
    # figures only, their look would say "figure"; with imposters and bare tissue that look alike it says nothing.
    isolated_share: Share = 0.0
    # The same 32 um, round and with a soft border, in tissue of another image: tissue of a tumour of which only figures
    # were published would say "figure" as well. Figures, imposters and bare tissue are pasted alike.
    pasted_share: Share = 0.0
    # Factors from 1 / (1 + zoom) to 1 + zoom: um/px are right to a few percent, and nuclei of any size.
    zoom: float = Field(default=0.0, ge=0, le=0.5)
    turn_and_flip: bool = False  # tissue has no up
    # Macenko normalisation to the published stains, at this share of patches. The paper saw no effect of it.
    macenko_share: Share = 0.0
    # Of a stain's concentration: a factor off 1, and an amount in optical density (natural logarithm) where there is
    # tissue. Laboratories stain for different times; Tellez et al. 2018 found it the most useful change of all.
    stain_factor: float = Field(default=0.0, ge=0, lt=1)
    stain_shift: float = Field(default=0.0, ge=0, le=0.5)
    hue_deg: float = Field(default=0.0, ge=0, le=180)  # degrees of the colour circle: sensors and lamps
    saturation: float = Field(default=0.0, ge=0, lt=1)  # a factor off 1
    value: float = Field(default=0.0, ge=0, lt=1)  # a factor off 1: exposure
    # Gaussian of a random sigma up to this, in px of the patch: focus differs from slide to slide.
    blur_share: Share = 0.0
    blur_sigma_px: float = Field(default=0.0, ge=0, le=5)
    # JPEG again, at a quality between the two: test images are more compressed than those trained on.
    jpeg_share: Share = 0.0
    jpeg_quality: tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]] = (100, 100)

    @model_validator(mode="after")
    def _in_order(self) -> "AugmentSettings":
        if self.jpeg_quality[0] > self.jpeg_quality[1]:
            raise ValueError(f"jpeg_quality {self.jpeg_quality}: give the lower one first")
        return self
