"""The device's own arithmetic: a CPU without bf16 must not imitate it."""

import pytest
import torch

from algorithm.engines.openvino import native_bf16
from training import precision

PRODUCT = {True: torch.bfloat16, False: torch.float32}


def test_cpu_computes_what_openvino_says_that_it_has():
    assert precision.computes_bf16("cpu") == native_bf16()


@pytest.mark.parametrize("has", [True, False])
def test_networks_run_in_what_the_cpu_has(monkeypatch, has):
    monkeypatch.setattr(precision, "native_bf16", lambda: has)
    with precision.autocast("cpu"):
        assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == PRODUCT[has]
    assert precision.precision("cpu") == ("bf16" if has else "f32")


@pytest.mark.parametrize("has", [True, False])
def test_gpu_is_asked_for_arithmetic_of_its_own(monkeypatch, has):
    asked = []
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: asked.append(including_emulation) or has
    )
    assert (precision.computes_bf16("cuda"), asked) == (has, [False])
