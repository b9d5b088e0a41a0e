"""One request and its reply, with the means to hold or cut the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Put into the scope by server.ClosableProtocol: ASGI itself cannot close without a reply.
CLOSE = "emulator.close"


class Exchange:
    """A request read whole, whose reply is kept until it is delivered or dropped.

    :param scope: of the ASGI request
    :param receive: of the ASGI request
    :param send: of the ASGI request
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._receive = receive
        self._send = send
        self._body: Message | None = None
        self._content = b""
        self._reply: list[Message] = []

    @property
    def status(self) -> int:
        """Status of the reply, 0 when there is none."""
        return int(self._reply[0]["status"]) if self._reply else 0

    @property
    def asked(self) -> bytes:
        """Query and body, a line each."""
        query: bytes = self.scope["query_string"]
        return query + b"\n" + self._content

    async def read(self) -> bool:
        """Read the whole request, so that handling it needs nothing more from the client.

        :return: whether the client stayed until it was read
        """
        parts: list[bytes] = []
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        self._content = b"".join(parts)
        self._body = {"type": "http.request", "body": self._content, "more_body": False}
        return True

    async def handle(self, app: ASGIApp) -> None:
        """Let an application handle it.

        :param app: the application
        """
        await app(self.scope, self._replay, self._keep)

    def forget(self) -> None:
        """Drop the reply, so that another one can take its place."""
        self._reply = []

    async def deliver(self) -> None:
        """Send the reply."""
        for message in self._reply:
            await self._send(message)

    async def deliver_half(self) -> None:
        """Send half of the reply under its whole length, and close the connection."""
        bodies = [message.get("body", b"") for message in self._reply]
        content = b"".join(bodies)
        if content:
            await self._send(self._reply[0])
            half = content[: len(content) // 2]
            await self._send({"type": "http.response.body", "body": half, "more_body": True})
        await self.hang_up()

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        message: dict[str, Any] = {"type": ""}
        while message["type"] != "http.disconnect":
            message = dict(await self._receive())

    async def hang_up(self) -> None:
        """Close the connection without a reply."""
        self.scope["extensions"][CLOSE]()
        await self.gone()

    async def _replay(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return body

    async def _keep(self, message: Message) -> None:
        self._reply.append(message)
