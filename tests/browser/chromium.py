"""Headless Chromium, driven over the DevTools protocol: as much of it as a test of one page needs."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The first three give WebGL without a graphics card; the rest keep the browser silent on the network and start it anew.
FLAGS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
]
START_S = 30.0
POLL_S = 0.05


def find() -> str | None:
    """The path of a Chromium on this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class DevToolsError(Exception):
    """The browser refused a command, or a script in the page threw."""


class Chromium:
    """A running browser.

    Attributes:
        devtools_url: where its DevTools listen, `ws://…`.
    """

    def __init__(self, program: str, profile: Path) -> None:
        """Starts it with an empty profile folder; returns when it can be driven."""
        command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        with (profile / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        port_file = profile / "DevToolsActivePort"
        deadline = time.monotonic() + START_S
        while not (port_file.exists() and port_file.read_text().count("\n") == 1):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise DevToolsError(f"{program} did not start; its last words: {_tail(profile / 'chromium.log')}")
            time.sleep(POLL_S)
        port, path = port_file.read_text().split()
        self.devtools_url = f"ws://127.0.0.1:{port}{path}"

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-500:]


@dataclass(frozen=True)
class Screen:
    """What a page is shown on: pixels, `dark` or `light`, and whether it is a phone."""

    width: int = 1280
    height: int = 800
    scheme: str = "dark"
    phone: bool = False


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
        for page in self._pages.values():
            await self.command("Target.disposeBrowserContext", browserContextId=page.context)
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
        features = [{"name": "prefers-color-scheme", "value": screen.scheme}]
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

    async def press(self, key: str) -> None:
        """Presses and releases a key, named as in `KeyboardEvent.key`."""
        code = {"Enter": 13, "ArrowDown": 40}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        await self.command("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        await self.command("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def state(self, name: str) -> str | None:
        """One of the facts that the page tells for machines, as `drivers` or `frameAge`."""
        value = await self.run(f"document.body?.dataset[{json.dumps(name)}]")
        return None if value is None else str(value)

    async def screenshot(self) -> bytes:
        """The visible part as a PNG."""
        return base64.b64decode((await self.command("Page.captureScreenshot", format="png"))["data"])
