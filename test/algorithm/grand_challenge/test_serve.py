"""`serve` as the platform uses it: a process of its own, asked over HTTP."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import tifffile

from algorithm.cli import main
from algorithm.grand_challenge.service import PORT

ROOT = Path(__file__).resolve().parents[3]
FOLDER = "images/histopathology-roi-cropout"
NAME = "mitotic-figures.json"
SIZE = (220, 150)
OPENS_WITHIN_S, READY_WITHIN_S, ENDS_WITHIN_S = 60, 120, 5
SLOW = """
import time
from algorithm.detector import Detector
whole = Detector.detect
def slow(self, *arguments):
    time.sleep({seconds})
    return whole(self, *arguments)
Detector.detect = slow
"""
SLOW_TO_LOAD = """
import time
import algorithm.detector
opened = algorithm.detector.open_engine
def slow(*arguments, **named):
    time.sleep({seconds})
    return opened(*arguments, **named)
algorithm.detector.open_engine = slow
"""
START = "import sys, runpy; sys.argv[0] = 'algorithm'; runpy.run_module('algorithm', run_name='__main__')"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A server under test. ask: (status, text) of one request."""

    def __init__(self, process: subprocess.Popen, port: int, errors: Path) -> None:
        self.process, self.port, self.errors = process, port, errors

    def ask(self, method: str, path: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def health(self) -> int | None:
        """Return the status; None while nothing listens."""
        try:
            return self.ask("GET", "/health")[0]
        except (urllib.error.URLError, ConnectionError):
            return None

    def invoke(self) -> tuple[int, str]:
        return self.ask("POST", "/invoke")

    def wait_until(self, wanted: set[int], within_s: float) -> int | None:
        end = time.monotonic() + within_s
        while time.monotonic() < end and self.process.poll() is None:
            if (status := self.health()) in wanted:
                return status
            time.sleep(0.05)
        return None


@pytest.fixture
def start(case, tiny_bundle):
    """Return a function that starts a server; before: lines that change it."""
    servers = []

    def started(before: str = "", *, model: Path = tiny_bundle, port: int | None = None) -> Server:
        port = port or free_port()
        command = [sys.executable, "-c", before + START, "serve", "--port", port, "--input", case / "input"]
        command += ["--output", case / "output", "--model", model, "--precision", "f32", "--threads", 1]
        errors = case / f"errors-{len(servers)}.txt"
        with errors.open("w") as file:
            process = subprocess.Popen(
                list(map(str, command)), env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=file, stderr=file
            )
        servers.append(Server(process, port, errors))
        return servers[-1]

    yield started
    for server in servers:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def ready(start):
    server = start()
    assert server.wait_until({200}, READY_WITHIN_S) == 200, server.errors.read_text()
    return server


@pytest.fixture
def put(case, draw, figure):
    """Return a function that makes an image with figures at these places the input of the case."""

    def placed(*places: tuple[float, float]) -> None:
        path = case / "input" / FOLDER / "0f.tif"
        pixels = draw(SIZE, [figure(*place) for place in places])
        tifffile.imwrite(path, pixels, resolution=(20000, 20000), resolutionunit="CENTIMETER")

    return placed


def figures(case: Path) -> int:
    points = json.loads((case / "output" / NAME).read_text())["points"]
    return sum(point["name"] == "mitotic figure" for point in points)


def test_the_port_is_the_platforms():
    [port] = [one for one in main.commands["serve"].params if one.name == "port"]
    assert port.default == PORT == 4743


def test_health_is_503_while_it_loads_and_200_after(start):
    server = start(SLOW_TO_LOAD.format(seconds=3))
    assert server.wait_until({503, 200}, OPENS_WITHIN_S) == 503
    assert server.invoke() == (503, "still loading")
    assert server.wait_until({200}, READY_WITHIN_S) == 200


def test_each_invoke_replaces_the_result_before(ready, case, put):
    for places in ([(60, 50), (150, 90)], [(60, 50)], []):
        put(*places)
        assert ready.invoke() == (201, "done")
        assert figures(case) == len(places)
        assert [path.name for path in (case / "output").iterdir()] == [NAME]


def test_it_gives_byte_for_byte_what_run_gives(ready, case, put, python, tiny_bundle, tmp_path):
    put((60, 50), (150, 90))
    assert ready.invoke()[0] == 201
    served = (case / "output" / NAME).read_bytes()
    folders = ["--input", case / "input", "--output", tmp_path / "other", "--model", tiny_bundle]
    ended = python("-m", "algorithm", "run", *folders, "--precision", "f32", "--threads", 1)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "other" / NAME).read_bytes() == served


def test_a_bad_image_is_an_error_and_the_next_invoke_works(ready, case, put):
    put((60, 50))
    assert ready.invoke()[0] == 201
    image = case / "input" / FOLDER / "0f.tif"
    image.write_bytes(image.read_bytes()[:500])
    status, said = ready.invoke()
    assert status == 422 and "0f.tif" in said
    assert list((case / "output").iterdir()) == []  # the result before must not pass for this one's
    assert said in ready.errors.read_text()
    image.unlink()
    assert ready.invoke()[0] == 422
    put((60, 50))
    assert ready.invoke()[0] == 201 and figures(case) == 1


def test_a_bug_is_an_error_and_the_next_invoke_works(start, case, put):
    once = "once = [1]\nfrom algorithm.detector import Detector\nwhole = Detector.detect\n"
    once += "Detector.detect = lambda *arguments: once and 1 / once.pop() / 0 or whole(*arguments)\n"
    server = start(once)
    assert server.wait_until({200}, READY_WITHIN_S) == 200
    put((60, 50))
    status, said = server.invoke()
    assert status == 500 and "ZeroDivisionError" in said
    assert "Traceback" in server.errors.read_text()
    assert server.invoke()[0] == 201


def test_a_hundred_invokes_leak_neither_memory_nor_files(ready, case, put):
    process = Path(f"/proc/{ready.process.pid}")
    if not process.exists():
        pytest.skip("there is no /proc here")

    def used() -> tuple[int, int]:
        [memory] = [line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS")]
        return int(memory.split()[1]) // 1024, len(list((process / "fd").iterdir()))

    put((60, 50))
    for _ in range(10):
        assert ready.invoke()[0] == 201
    before = used()
    for _ in range(100):
        assert ready.invoke()[0] == 201
    after = used()
    assert after[0] - before[0] < 30 and after[1] <= before[1] + 2
    assert not list(case.rglob("*.part"))


def test_two_invokes_at_once_are_worked_on_one_after_the_other(start, case, put):
    server = start(SLOW.format(seconds=1))
    assert server.wait_until({200}, READY_WITHIN_S) == 200
    put((60, 50))
    answers: list[tuple[int, str]] = []
    threads = [threading.Thread(target=lambda: answers.append(server.invoke())) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert server.health() == 200  # while both wait
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [201, 201]
    assert time.monotonic() - began >= 2
    assert figures(case) == 1


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in the middle of an invoke"])
def test_sigterm_ends_it_within_five_seconds(start, case, put, busy):
    server = start(SLOW.format(seconds=60) if busy else "")
    assert server.wait_until({200}, READY_WITHIN_S) == 200
    put((60, 50))
    if busy:
        threading.Thread(target=lambda: _quietly(server.invoke), daemon=True).start()
        time.sleep(0.5)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(ENDS_WITHIN_S) in (0, -signal.SIGTERM)
    assert list((case / "output").iterdir()) == []


def _quietly(call) -> None:
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        call()


def test_a_bundle_that_cannot_be_loaded_ends_it_at_once_with_the_reason_last(start, tmp_path):
    (tmp_path / "empty").mkdir()
    server = start(model=tmp_path / "empty")
    assert server.process.wait(OPENS_WITHIN_S) == 3
    last = server.errors.read_text().splitlines()[-1]
    assert last.startswith("error: ") and "bundle.yaml" in last


def test_a_port_that_is_taken_is_one_clear_line(start):
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        server = start(port=other.getsockname()[1])
        assert server.process.wait(OPENS_WITHIN_S) == 2
        assert server.errors.read_text().splitlines()[-1].startswith("error: port ")


def test_other_paths_and_methods_are_not_there(ready):
    requests = {("GET", "/invoke"): 405, ("POST", "/health"): 405, ("GET", "/docs"): 404}
    assert {request: ready.ask(*request)[0] for request in requests} == requests
