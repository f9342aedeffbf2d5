"""Whatever inputs.json holds, the case is one image below the input folder or one clear error."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from algorithm.errors import PlatformError
from algorithm.grand_challenge.inputs import MIDOG_FOLDER, MIDOG_SLUG, find_image

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PATHS = st.sampled_from(
    [str(MIDOG_FOLDER), ".", "..", "../..", "/", "/etc", "images/../..", "", "\0", "images", "a" * 5000, "~", "//x"]
)
SOCKET = st.fixed_dictionaries(
    {},
    optional={
        "slug": st.just(MIDOG_SLUG) | JSON,
        "kind": st.just("Image") | JSON,
        "super_kind": st.just("Image") | JSON,
        "relative_path": PATHS | JSON,
    },
)
ITEM = st.fixed_dictionaries({}, optional={"socket": SOCKET | JSON, "interface": SOCKET | JSON, "image": JSON})
ITEMS = st.lists(ITEM | JSON, max_size=4) | JSON


def ends_well(folder, content):
    (folder / "inputs.json").write_bytes(content)
    try:
        found = find_image(folder)
    except PlatformError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000, str(error)
        return None
    assert folder in found.resolve().parents, "an image of the case, not of the machine"
    return found


@given(ITEMS)
@settings(max_examples=400)
def test_any_json(tmp_path_factory, items):
    folder = _case(tmp_path_factory)
    ends_well(folder, json.dumps(items).encode())


@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, content):
    ends_well(_case(tmp_path_factory), content)


def test_json_that_is_too_deep(tmp_path):
    assert ends_well(tmp_path, b"[" * 100_000) is None


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=5))
def test_what_stands_beside_the_known_keys_does_not_matter(tmp_path_factory, more):
    folder = _case(tmp_path_factory)
    socket = more | {"slug": MIDOG_SLUG, "kind": "Image", "relative_path": str(MIDOG_FOLDER)}
    for key in ("socket", "interface"):  # one alone is enough
        assert ends_well(folder, json.dumps([more, {key: socket}]).encode()) == folder / MIDOG_FOLDER / "0f.tif"


def _case(factory):
    """Return an input folder with one image where MIDOG 2025 has it, and something to steal outside of it."""
    root = factory.getbasetemp() / "fuzzed"
    image = root / "input" / MIDOG_FOLDER / "0f.tif"
    if not image.exists():
        image.parent.mkdir(parents=True)
        image.touch()
        (root / "secret.tif").touch()
    return root / "input"
