"""A disk that fills up while a run saves."""

import shutil
from pathlib import Path

import pytest

from algorithm.errors import OutputError
from training.hooks.checkpoint import latest
from training.hooks.progress import append_row

SPARE_BYTES = 200_000  # for what is no checkpoint


@pytest.fixture
def on_small_disk(tmp_path, train):
    """Return a function that trains on a file system of so many bytes, and keeps what was left on it."""

    def run(size: int):
        disk, kept = tmp_path / "disk", tmp_path / "kept"
        disk.mkdir()
        kept.mkdir()
        keep = f"code=$?; cp -r '{disk}/.' '{kept}'; exit $code"
        script = f"mount -t tmpfs -o size={size} tmpfs '{disk}' && {{ \"$@\"; {keep}; }}"
        ended = train(disk / "run", before=["unshare", "--mount", "sh", "-c", script, "sh"])
        if "mount" in ended.stderr and not (kept / "run").exists():
            pytest.skip(f"no file system can be mounted here: {ended.stderr.strip()[-200:]}")
        return ended, kept / "run"

    if shutil.which("unshare") is None:
        pytest.skip("there is no `unshare` here")
    return run


def bytes_of(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


@pytest.mark.parametrize(
    "saved", [0, 1, 2], ids=["at the first checkpoint", "when an average is chosen", "at the third"]
)
def test_a_full_disk_is_one_clear_error_and_the_run_goes_on_when_there_is_room(
    on_small_disk, resume, whole, alike, saved
):
    averages, checkpoint = bytes_of(whole, "ema-0.00?.pth"), bytes_of(whole, "iter_6.pth")
    chosen = bytes_of(whole, "ema-*-*.pth") if saved > 1 else 0  # the look after three steps
    ended, left = on_small_disk(SPARE_BYTES + averages + chosen + round((saved + 0.5) * checkpoint))
    assert ended.returncode == 5, ended.stderr
    assert "cannot be written (" in ended.stderr and "Traceback" not in ended.stderr
    assert not list(left.glob("*.part"))
    before = latest(left)
    assert (before.name if before else None) == [None, "iter_2.pth", "iter_4.pth"][saved]
    assert "there is none before it" in ended.stderr or "make room and --resume" in ended.stderr
    resume(left)
    alike(left, whole)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_log_that_cannot_be_written_is_one_clear_error():
    with pytest.raises(OutputError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        append_row(Path("/dev/full"), {"iteration": 1})
