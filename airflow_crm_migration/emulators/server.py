"""Runs an emulator on a port of this machine."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from airflow_crm_migration.emulators.exchange import CLOSE

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_crm_migration.emulators.base import Emulator

_STOP_SECONDS = 2
_BACKLOG = 256


class PortTaken(Exception):
    """Another program listens on the wanted port."""


class ClosableProtocol(HttpToolsProtocol):
    """HTTP whose connection an application can close without a reply."""

    def on_message_begin(self) -> None:
        """Put the means to close into the scope of the request."""
        super().on_message_begin()
        extensions: dict[str, Any] = {CLOSE: self.transport.close}
        self.scope["extensions"] = extensions


class RunningEmulator:
    """An emulator that serves in a thread of its own.

    :param emulator: what to serve
    :param listener: the listening socket
    """

    def __init__(self, emulator: Emulator, listener: socket.socket) -> None:
        self.emulator = emulator
        host, port = listener.getsockname()[:2]
        self.base_url = f"http://{host}:{port}"
        self._listener = listener
        config = uvicorn.Config(
            emulator,
            http=ClosableProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name=emulator.name, daemon=True
        )
        # The socket listens already: a client that connects now waits until the loop runs.
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close the port; a held request is let go."""
        self.emulator.gate.release()
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> RunningEmulator:
    """Serve an emulator.

    :param emulator: what to serve
    :param host: address to listen on
    :param port: port to listen on, 0 for any free one
    :return: the running emulator, which accepts connections and must be stopped
    :raises PortTaken: when another program has the port
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as e:
        listener.close()
        if e.errno == errno.EADDRINUSE:
            fix = "stop what listens there or choose another port (0 for any free one)"
            raise PortTaken(f"port {port} on {host} is taken: {fix}") from e
        raise
    return RunningEmulator(emulator, listener)
