"""The invoke interface: a server that loads once and works on a case each time it is asked."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response

from algorithm.budget import Budget
from algorithm.detector import Detector
from algorithm.errors import ImageError, MitosisError, PlatformError
from algorithm.grand_challenge.execution import work_on

log = logging.getLogger(__name__)

PORT = 4743  # the platform's
GRACE_S = 1  # for a case that is under way when the platform ends us; it kills after 5 s
OF_THE_CASE = (ImageError, PlatformError)  # what another case would not suffer from
READY, LOADING, DONE, BAD_CASE, FAILED = 200, 503, 201, 422, 500  # HTTP; the platform takes 201 alone for success


class Service:
    """A detector that loads on a thread of its own, and the cases that it works on, one after the other."""

    def __init__(
        self, load: Callable[[], Detector], input_folder: Path, output_folder: Path, *, seconds: float
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._folders = input_folder, output_folder
        self._detector: Detector | None = None
        self._one_at_a_time = threading.Lock()
        self.failure: BaseException | None = None

    def start(self, when_failed: Callable[[], None]) -> None:
        """Begin to load. when_failed is called, from another thread, when nothing can ever be invoked."""

        def loading() -> None:
            try:
                self._detector = self._load()
                log.info("ready")
            except BaseException as error:  # raised again by the main thread
                self.failure = error
                when_failed()

        threading.Thread(target=loading, name="load", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Return whether the detector is loaded."""
        return self._detector is not None

    @property
    def busy(self) -> bool:
        """Return whether a case is under way."""
        return self._one_at_a_time.locked()

    def invoke(self) -> tuple[int, str]:
        """Work on the case that lies in the input folder; return the HTTP status and what there is to say."""
        if self._detector is None:
            return LOADING, "still loading"
        with self._one_at_a_time:
            try:
                work_on(self._detector, *self._folders, Budget(self._seconds))
            except MitosisError as error:
                log.error("error: %s", error)
                return BAD_CASE if isinstance(error, OF_THE_CASE) else FAILED, str(error)
            except Exception as error:  # a bug must not end the server: the next case may be fine
                log.exception("error: %s", error)
                return FAILED, f"{type(error).__name__}: {error}"
        return DONE, "done"


def application(service: Service) -> FastAPI:
    """Return the HTTP face of a service: GET /health, POST /invoke."""
    app = FastAPI(title="mitotic figures", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    async def health() -> Response:  # async: answered however many invokes wait for a thread
        return Response("ready" if service.ready else "loading", READY if service.ready else LOADING)

    @app.post("/invoke")
    def invoke() -> Response:
        status, said = service.invoke()
        return Response(said, status)

    return app


def serve(load: Callable[[], Detector], input_folder: Path, output_folder: Path, *, port: int, seconds: float) -> None:
    """Serve until SIGTERM or SIGINT; the port is open while the detector still loads.

    seconds: for each case, see `Budget`. load: opens the detector. Raises what it raised, when it did;
    PlatformError when the port cannot be had.
    """
    service = Service(load, input_folder, output_folder, seconds=seconds)
    config = uvicorn.Config(
        application(service), host="0.0.0.0", port=port, log_level="warning", timeout_graceful_shutdown=GRACE_S
    )
    server = uvicorn.Server(config)

    def end() -> None:
        server.should_exit = True

    service.start(when_failed=end)
    try:
        server.run()
    except SystemExit as error:  # uvicorn's way to say that it could not start
        raise PlatformError(f"port {port} cannot be had; is another server running?") from error
    if service.failure is not None:
        raise service.failure
    if service.busy:
        # its threads would be waited for until the case is done; the result is written whole or not at all
        os._exit(0)
