"""What is uploaded: packing the model, the platform's rules, the inventory and the audit."""

import importlib.util
import io
import json
import re
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INVOKE = {"org.grand-challenge.api-method": "invoke"}
ID = "a" * 64


def module(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def upload():
    return module("check_upload")


def archive(path, files):
    """Write a gzip tar: names to bytes, or to a ready entry."""
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def saved(path, *, images=1, config=f"{ID}.json", without=(), **changes):
    """Write what `docker save` writes, as far as the platform looks at it."""
    inner = {"User": "user", "Entrypoint": ["python", "-m", "algorithm", "run"], "Labels": None}
    inner |= {key: value for key, value in changes.items() if key in inner}
    outer = {"architecture": changes.get("architecture", "amd64"), "os": "linux", "config": inner}
    files = {
        config: json.dumps(outer).encode(),
        "manifest.json": json.dumps([{"Config": config, "Layers": []}] * images).encode(),
    }
    return archive(path / "image.tar.gz", {name: data for name, data in files.items() if name not in without})


@pytest.mark.parametrize("config", [f"{ID}.json", f"blobs/sha256/{ID}", f"sha256:{ID}"])
def test_an_image_of_docker_or_podman_is_taken_with_its_calling_mode(upload, tmp_path, config):
    said = upload.check_image(saved(tmp_path, config=config))
    assert said == f"exec, user user, starts `python -m algorithm run`, sha256:{ID}"
    assert upload.check_image(saved(tmp_path, Labels=INVOKE)).startswith("invoke, ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": 2}, "2 images in one archive"),
        ({"architecture": "arm64"}, "built for linux/arm64; linux/amd64 is needed"),
        *(({"User": user}, "runs as root") for user in ("", "root", "0", "0:0", "root:root", None)),
        ({"Labels": {"org.grand-challenge.api-method": "http"}}, "'http'; exec or invoke is allowed"),
        ({"config": "short.json"}, "no sha256"),
        ({"without": ("manifest.json",)}, "no manifest.json in it"),
        ({"without": (f"{ID}.json",)}, f"no {ID}.json in it"),
        ({"Entrypoint": None}, "neither ENTRYPOINT nor CMD"),
    ],
)
def test_an_image_that_the_platform_would_refuse_is_refused(upload, tmp_path, changes, reason):
    with pytest.raises(upload.RefusedError, match=re.escape(reason)):
        upload.check_image(saved(tmp_path, **changes))


def test_a_damaged_archive_is_said(upload, tmp_path):
    path = saved(tmp_path)
    for content in (b"", b"no archive", path.read_bytes()[:60]):
        path.write_bytes(content)
        with pytest.raises(upload.RefusedError, match="no gzip tar, or a damaged one"):
            upload.check_image(path)
    with pytest.raises(upload.RefusedError, match="no such file"):
        upload.check_image(tmp_path / "none.tar.gz")


def test_more_than_the_platform_takes_is_refused(upload, tmp_path, monkeypatch):
    monkeypatch.setattr(upload, "MAXIMUM_BYTES", 10)
    with pytest.raises(upload.RefusedError, match="GB; the platform takes"):
        upload.check_image(saved(tmp_path))


def test_a_packed_model_has_no_leading_folder_and_loads(upload, tmp_path, tiny_bundle):
    (target := tmp_path / "model.tar.gz").write_bytes(b"old")
    pack = module("pack_model").pack_model
    pack(tiny_bundle, target)
    with tarfile.open(target) as packed:
        entries = packed.getmembers()
    assert "bundle.yaml" in {entry.name for entry in entries}
    assert {(entry.uid, entry.mtime, entry.mode) for entry in entries} == {(0, 0, 0o644)}
    assert "1 members, bundle sha256:" in upload.check_model(target) or "members, bundle" in upload.check_model(target)
    first = target.read_bytes()
    pack(tiny_bundle, target)
    assert target.read_bytes() == first, "the same bundle gives the same bytes"
    assert [path.name for path in tmp_path.iterdir()] == ["model.tar.gz"]


def link(name, to):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, to
    return entry


def secret(name):
    entry = tarfile.TarInfo(name)
    entry.mode = 0o600
    return entry


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"model/bundle.yaml": b""}, "it lies in model/bundle.yaml: pack the folder's content"),
        ({"README.md": b""}, "no bundle.yaml at the top; pack a bundle"),
        ({"bundle.yaml": b"name: x"}, "bundle.yaml"),
        ({"../bundle.yaml": b""}, "only files and folders below"),
        ({"/bundle.yaml": b""}, "only files and folders below"),
        ({"a": link("a", "/etc/passwd")}, "only files and folders below"),
        ({"bundle.yaml": secret("bundle.yaml")}, "cannot be read by the image's user (mode 600)"),
    ],
)
def test_a_model_that_could_not_be_used_is_refused(upload, tmp_path, files, reason):
    with pytest.raises(upload.RefusedError, match=re.escape(reason)):
        upload.check_model(archive(tmp_path / "model.tar.gz", files))


def test_the_command_ends_with_1_and_the_reason(tmp_path, python):
    good, bad = saved(tmp_path), tmp_path / "none.tar.gz"
    assert python(ROOT / "scripts/check_upload.py", "--image", good).returncode == 0
    ended = python(ROOT / "scripts/check_upload.py", "--model", bad)
    assert (ended.returncode, ended.stderr) == (1, f"error: {bad}: no such file\n")
    assert python(ROOT / "scripts/check_upload.py").returncode == 2


STATUS = """Package: tar
Status: install ok installed
Architecture: amd64
Version: 1.34+dfsg-1
Description: GNU tar
 Status: not a field

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


def test_the_inventory_names_installed_packages_only():
    found = module("inventory").debian_packages(STATUS)
    assert found == [{"package": "tar", "version": "1.34+dfsg-1", "architecture": "amd64"}]


def test_the_inventory_of_this_python_is_json_and_whole(python):
    ended = python(ROOT / "scripts" / "inventory.py")
    if "freedesktop_os_release" in ended.stderr:
        pytest.skip("no Linux distribution")
    packages = {package["name"]: package for package in json.loads(ended.stdout)["python_packages"]}
    assert packages["numpy"]["version"] and packages["pydantic"]["requires"]
    assert all("\n" not in name for package in packages.values() for name in package["licences"])


INVENTORY = {
    "system": {"id": "debian", "name": "Debian", "version": "12"},
    "python": "3.11.2",
    "python_packages": [
        {
            "name": "Rich_Text",
            "version": "1.0",
            "licence_expression": "MIT",
            "licences": [],
            "requires": ["pygments<3,>=2", "absent; extra"],
        },
        {
            "name": "pygments",
            "version": "2.0",
            "licence_expression": None,
            "licences": ["BSD License"],
            "requires": [],
        },
    ],
    "system_packages": [{"package": "tar", "version": "1.34+dfsg-1", "architecture": "amd64"}],
}
IMAGE = ("--image", "detector", "--version", "1", "--sha256", ID, "--created", "2026-11-25T10:00:00.123456789Z")


def test_the_bill_of_materials_is_valid_and_names_everything_once(tmp_path, tiny_bundle, python):
    pytest.importorskip("cyclonedx", reason="requirements-release.txt is not installed")
    (tmp_path / "inventory.json").write_text(json.dumps(INVENTORY))
    texts = []
    for name in ("one", "two"):
        ended = python(
            *(ROOT / "scripts" / "sbom.py", tmp_path / "inventory.json", tmp_path / name, *IMAGE),
            *("--bundle", tiny_bundle / "bundle.yaml"),
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1], "the same image gives the same bytes"
    bom = json.loads(texts[0])
    assert bom["specVersion"] == "1.6"
    refs = [component["bom-ref"] for component in bom["components"]]
    assert sorted(refs) == [
        "model",
        "pkg:deb/debian/tar@1.34%2Bdfsg-1?arch=amd64&distro=debian-12",
        "pkg:pypi/pygments@2.0",
        "pkg:pypi/rich-text@1.0",
    ]
    needs = {one["ref"]: one.get("dependsOn", []) for one in bom["dependencies"]}
    assert needs["pkg:pypi/rich-text@1.0"] == ["pkg:pypi/pygments@2.0"]
    assert sorted(needs["image"]) == sorted(refs)


def package(name, **more):
    return {"name": name, "version": "1"} | (more or {"vulns": []})


ADVISORY = {"id": "PYSEC-1", "fix_versions": ["2"]}


@pytest.mark.parametrize(
    ("report", "lines"),
    [
        (None, ["NO AUDIT WAS MADE: why"]),
        ({"dependencies": [package("a", skip_reason="not found")]}, ["NO AUDIT WAS MADE: .* none of 1 .*not found.*"]),
        ({"dependencies": [package("a")]}, ["audit: no known advisory in 1 of 1 Python packages"]),
        (
            {"dependencies": [package("a", vulns=[ADVISORY]), package("b", skip_reason="x")]},
            ["a 1: PYSEC-1, mended in .*2.*", "audit: 1 known advisories in 1 of 2 Python packages", "not audited: b"],
        ),
    ],
)
def test_an_audit_that_asked_nobody_is_not_taken_for_a_clean_one(report, lines):
    said = module("audit").summary(report, "why")
    assert len(said) == len(lines)
    assert all(re.fullmatch(pattern, line) for pattern, line in zip(lines, said, strict=True)), said


def test_an_audit_without_an_answer_gives_its_reason(monkeypatch):
    audit = module("audit")
    monkeypatch.setattr(audit.sys, "executable", "false")
    assert audit.asked(INVENTORY) == (None, "pip-audit ended with 1")
    assert sys.executable
