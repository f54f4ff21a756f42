"""A running Chromium driven over the DevTools protocol: as much of it as a test of one page needs."""

import asyncio
import base64
import itertools
import json
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

POLL_S = 0.05
# MapLibre lets a map that was moving when it was let go go on by itself.
REST_S = 0.3
KEYS = {
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Tab": (9, ""),
    " ": (32, " "),
    "End": (35, ""),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}


class DevToolsError(Exception):
    """The browser refused a command, or a script in the page threw."""


@dataclass(frozen=True)
class Screen:
    """What a page is shown on: pixels, `dark` or `light`, whether it is a phone, and whether motion is unwelcome."""

    width: int = 1280
    height: int = 800
    scheme: str = "dark"
    phone: bool = False
    calm: bool = False


class Browser:
    """Opens pages, each in a context of its own: no page sees another's storage."""

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, devtools_url: str) -> Self:
        session = ClientSession()
        # A screenshot of a large page is several megabytes.
        return cls(session, await session.ws_connect(devtools_url, max_msg_size=64 * 1024 * 1024))

    async def close(self) -> None:
        for page in list(self._pages.values()):
            await self.close_page(page)
        await self._socket.close()
        await self._reader
        await self._session.close()

    async def open(self, url: str, screen: Screen | None = None) -> "Page":
        """A new page at a URL, its document parsed; what its scripts do may still be under way."""
        screen = screen or Screen()
        context = (await self.command("Target.createBrowserContext"))["browserContextId"]
        target = await self.command("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"], context)
        self._pages[page.session] = page
        await page.command("Page.enable")
        await page.command("Runtime.enable")
        await page.command("Network.enable")
        await page.command("Log.enable")
        await page.show_on(screen)
        await page.command("Page.navigate", url=url)
        await page.wait_for("document.body && document.readyState !== 'loading'")
        return page

    async def close_page(self, page: "Page") -> None:
        """Ends a page, with all that it has stored."""
        del self._pages[page.session]
        await self.command("Target.disposeBrowserContext", browserContextId=page.context)

    async def command(self, method: str, *, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Sends a DevTools command and waits for its result.

        Raises:
            DevToolsError: the browser refused it.
        """
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        await self._socket.send_json(message | {"sessionId": session} if session else message)
        result = await answer
        if "error" in result:
            raise DevToolsError(f"{method}: {result['error']['message']}")
        return dict(result["result"])

    async def _read(self) -> None:
        async for raw in self._socket:
            if raw.type is not WSMsgType.TEXT:
                break
            message = json.loads(raw.data)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            elif page := self._pages.get(message.get("sessionId", "")):
                page.note(message["method"], message["params"])


class Page:
    """One page.

    Attributes:
        errors: what the page's scripts threw or logged as an error, in order.
        requests: the URLs that it asked for, in order.
    """

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self.session = session
        self.context = context
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._browser = browser

    def note(self, event: str, params: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(
                " ".join(str(argument.get("value", argument.get("description"))) for argument in params["args"])
            )
        elif event == "Log.entryAdded" and params["entry"]["source"] == "security":
            self.errors.append(params["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event == "Network.webSocketCreated":
            self.requests.append(params["url"])

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.command(method, session=self.session, **params)

    async def show_on(self, screen: Screen) -> None:
        metrics = {"width": screen.width, "height": screen.height, "deviceScaleFactor": 2 if screen.phone else 1}
        await self.command("Emulation.setDeviceMetricsOverride", mobile=screen.phone, **metrics)
        await self.command("Emulation.setTouchEmulationEnabled", enabled=screen.phone)
        motion = "reduce" if screen.calm else "no-preference"
        media = {"prefers-color-scheme": screen.scheme, "prefers-reduced-motion": motion}
        features = [{"name": name, "value": value} for name, value in media.items()]
        await self.command("Emulation.setEmulatedMedia", features=features)

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited.

        Raises:
            DevToolsError: it threw.
        """
        result = await self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise DevToolsError(f"{script}: {result['exceptionDetails']['exception'].get('description')}")
        return result["result"].get("value")

    async def wait_for(self, script: str, *, within_s: float = 20.0) -> None:
        """Polls until a JavaScript expression is true; one that throws, as while the page is being loaded, is not yet.

        Raises:
            TimeoutError: it did not become true; says what the page told of itself.
        """
        deadline = asyncio.get_running_loop().time() + within_s
        while not await self._holds(script):
            if asyncio.get_running_loop().time() > deadline:
                state = await self.run("JSON.stringify(document.body?.dataset) + ' ' + document.body?.innerText")
                raise TimeoutError(
                    f"not true within {within_s} s: {script}\nthe page: {state}\nits errors: {self.errors}"
                )
            await asyncio.sleep(POLL_S)

    async def _holds(self, script: str) -> bool:
        try:
            return bool(await self.run(f"Boolean({script})"))
        except DevToolsError:
            return False

    async def press(self, key: str, times: int = 1) -> None:
        """Presses and releases a key, named as in `KeyboardEvent.key`."""
        code, text = KEYS[key]
        event = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        for _ in range(times):
            await self.command("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
            await self.command("Input.dispatchKeyEvent", type="keyUp", **event)

    async def point(self, x: float, y: float) -> None:
        """Moves the mouse to a pixel."""
        await self._mouse("mouseMoved", x, y)

    async def click(self, x: float, y: float) -> None:
        await self._mouse("mousePressed", x, y, button="left", clickCount=1)
        await self._mouse("mouseReleased", x, y, button="left", clickCount=1)

    async def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drags with the left button, and rests before letting go, so that nothing is flung."""
        await self._mouse("mouseMoved", *start)
        await self._mouse("mousePressed", *start, button="left", clickCount=1)
        for step in range(1, 6):
            middle = [a + (b - a) * step / 5 for a, b in zip(start, end, strict=True)]
            await self._mouse("mouseMoved", middle[0], middle[1], button="left", buttons=1)
        await asyncio.sleep(REST_S)
        await self._mouse("mouseReleased", *end, button="left", clickCount=1)

    async def wheel(self, x: float, y: float, delta: float) -> None:
        """Turns the wheel over a pixel; a negative delta zooms in."""
        await self._mouse("mouseWheel", x, y, deltaX=0, deltaY=delta)

    async def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        await self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    async def go_offline(self, offline: bool = True) -> None:
        """Takes the network from the page, and tells it so, or gives it back."""
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await self.command("Network.emulateNetworkConditions", offline=offline, **conditions)

    async def state(self, name: str) -> str | None:
        """One of the facts that the page tells for machines, as `drivers` or `frameAge`."""
        value = await self.run(f"document.body?.dataset[{json.dumps(name)}]")
        return None if value is None else str(value)

    async def screenshot(self) -> bytes:
        """The visible part as a PNG."""
        return base64.b64decode((await self.command("Page.captureScreenshot", format="png"))["data"])
