"""Whatever bundle.yaml holds, it is a bundle whose numbers can be used or one clear error."""

import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithm.bundle import Bundle, parse_bundle
from algorithm.errors import BundleError

ODD = st.sampled_from([math.nan, math.inf, -math.inf, -1, 0, 1e308, 10**400, -(10**400), "", "x", None, True, [], {}])
ANY = st.recursive(
    ODD | st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PATH = Path("model/bundle.yaml")


@pytest.fixture(scope="module")
def facts(loaded_bundle) -> dict:
    return loaded_bundle.facts.model_dump(mode="json")


def ends_well(content: bytes) -> Bundle | None:
    try:
        bundle = parse_bundle(content, PATH)
    except BundleError as error:
        assert "\n" not in str(error) and str(PATH) in str(error)
        return None
    probability = bundle.calibration.probability(np.linspace(0, 1, 11))
    assert np.isfinite(probability).all() and (np.diff(probability) >= 0).all()
    assert bundle.tile_px > bundle.overlap_px >= 0 and math.isfinite(bundle.mpp)
    assert 0 <= bundle.reporting_threshold <= bundle.threshold <= 1
    assert all("/" not in member.file and not member.file.startswith(".") for member in bundle.members)
    return bundle


@given(data=st.data())
@settings(max_examples=400)
def test_a_bundle_with_any_fact_changed_added_or_gone(facts, data):
    changed = dict(facts)
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from([*facts, "unknown"]))
        if data.draw(st.booleans()) and key in changed:
            del changed[key]
        else:
            changed[key] = data.draw(ANY)
    ends_well(yaml.safe_dump(changed).encode())


@given(data=st.data())
@settings(max_examples=200)
def test_a_bundle_with_anything_in_its_members_and_calibration(facts, data):
    member = dict(facts["members"][0]) | data.draw(st.dictionaries(st.sampled_from(["file", "sha256", "x"]), ANY))
    calibration = dict(facts["calibration"]) | data.draw(
        st.dictionaries(st.sampled_from(["slope", "intercept", "fitted_on"]), ANY | st.floats())
    )
    ends_well(yaml.safe_dump(facts | {"members": [member], "calibration": calibration}).encode())


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes(content):
    assert ends_well(content) is None


@given(data=st.data())
def test_flipped_bytes_of_a_real_one(facts, data):
    content = bytearray(yaml.safe_dump(facts).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    ends_well(bytes(content))


def test_yaml_that_grows_without_end_or_is_too_deep_is_refused():
    assert ends_well(b"[" * 100_000) is None
    laughs = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
        b"%c: &%c [" % (98 + n, 98 + n) + b", ".join([b"*%c" % (97 + n)] * 9) + b"]\n" for n in range(9)
    )
    assert ends_well(laughs) is None
