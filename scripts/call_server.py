"""Run inside of a container, calls its server as the platform does: `health` waits, `invoke` asks for one case."""

import http.client
import sys
import time

PORT = 4743
HEALTH_S, INVOKE_S = 300, 1200  # the platform waits that long


def ask(method: str, path: str, timeout_s: float) -> int:
    """Return the status of one call; 0 while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=timeout_s)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace").strip()
    except ConnectionError:
        return 0
    finally:
        connection.close()
    print(f"{method} {path}: {response.status} {body}"[:2000])
    return response.status


def healthy() -> bool:
    """Wait until the server is ready. Anything but 200 is asked again, a redirect fails at once."""
    end = time.monotonic() + HEALTH_S
    while time.monotonic() < end:
        status = ask("GET", "/health", 10)
        if status == 200 or 300 <= status < 400:
            return status == 200
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    if sys.argv[1:] == ["health"]:
        sys.exit(not healthy())
    if sys.argv[1:] == ["invoke"]:
        sys.exit(ask("POST", "/invoke", INVOKE_S) != 201)
    sys.exit("error: health or invoke is expected")
