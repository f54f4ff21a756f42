"""Headless Chromium: found, started with an empty profile, and stopped. `devtools` drives it."""

import shutil
import subprocess
import time
from pathlib import Path

from browser.devtools import DevToolsError

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
