"""A headless Chromium, spoken to through the DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-default-apps --disable-extensions --disable-sync "
    "--disable-dev-shm-usage --hide-scrollbars --mute-audio --remote-debugging-port=0 "
    "--autoplay-policy=no-user-gesture-required"
).split()
PATIENCE = 120  # s; the machine may be busy with other things
KEYS = {" ": "Space", "Escape": "Escape", "ArrowRight": "ArrowRight", "ArrowLeft": "ArrowLeft"}
NUMBERS = {" ": 32, "Escape": 27, "Tab": 9, "Enter": 13}


MISSING = f"no browser was found on the PATH ({', '.join(NAMES)})"


def find_browser():
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Left(AssertionError):
    """The page was left for another while it was asked."""


class Browser:
    """A running Chromium with an empty profile in `folder`."""

    def __init__(self, executable, folder):
        alone = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [executable, *FLAGS, *alone, f"--user-data-dir={folder}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, **quiet)
        port = Path(folder, "DevToolsActivePort")
        wait_for(lambda: port.exists() and port.read_text().count("\n") == 1)
        number, path = port.read_text().split()
        self._socket = websocket.create_connection(
            f"ws://127.0.0.1:{number}{path}", timeout=PATIENCE, suppress_origin=True
        )
        self._last, self.events = 0, []

    def send(self, method, session=None, **parameters):
        """Call a method and return its result; what is reported meanwhile goes to `events`."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._last:
                if "error" in answer:
                    fault = answer["error"]["message"]
                    raise (Left if "navigated" in fault else AssertionError)(f"{method}: {fault}")
                return answer["result"]
            self.events.append(answer)

    def close(self):
        self._socket.close()
        self._process.terminate()
        self._process.wait(PATIENCE)


class Tab:
    """One page, with what it requested and what went wrong in it."""

    def __init__(self, browser, address, width=1400, height=1000, dark=False):
        self._browser, self.address = browser, address
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.send("Target.attachToTarget", targetId=target, flatten=True)
        self._target, self._session = target, attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.resize(width, height)
        self.prefer(dark)
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def send(self, method, **parameters):
        return self._browser.send(method, self._session, **parameters)

    def resize(self, width, height=1000):
        """Set the size of the window in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.send("Emulation.setDeviceMetricsOverride", **size, mobile=width < 700)

    def prefer(self, dark):
        """Set whether the reader prefers dark pages."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[feature])

    def evaluate(self, expression):
        """Return the value of a JavaScript expression."""
        how = {"returnByValue": True, "awaitPromise": True}
        answer = self.send("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression):
        """Wait until a JavaScript expression is true, on this page or the one that follows."""

        def holds():
            try:
                return self.evaluate(expression)
            except Left:
                return False

        wait_for(holds)

    def picture(self):
        """Return what the window shows as PNG bytes, without what is below the end of the page."""
        self.evaluate("new Promise((drawn) => setTimeout(drawn, 500))")  # until nothing moves
        end = "Math.min(innerHeight, document.body.getBoundingClientRect().bottom)"
        size = {"width": self.evaluate("innerWidth"), "height": self.evaluate(end)}
        clip = {"x": 0, "y": 0, "scale": 1} | size
        return base64.b64decode(self.send("Page.captureScreenshot", clip=clip)["data"])

    def press(self, key, code=None):
        """Press and release a key."""
        what = {"key": key, "code": code or KEYS.get(key, f"Key{key.upper()}")}
        what["windowsVirtualKeyCode"] = NUMBERS.get(key, 0)  # what the browser itself acts on
        text = {"text": key} if len(key) == 1 else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **what, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **what)

    def drag(self, start, end, shift=False):
        """Press the mouse at a point (x, y), move it to another and release it there."""
        held = {"button": "left", "modifiers": 8 if shift else 0}
        middle = [(a + b) / 2 for a, b in zip(start, end, strict=True)]
        for kind, (x, y) in [
            ("mouseMoved", start),
            ("mousePressed", start),
            ("mouseMoved", middle),
            ("mouseMoved", end),
            ("mouseReleased", end),
        ]:
            buttons = 0 if kind == "mouseReleased" else 1
            count = {"clickCount": 1} if kind != "mouseMoved" else {}
            if kind == "mouseMoved" and (x, y) == start:
                buttons = 0
            self.send(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, buttons=buttons, **held, **count
            )

    def click(self, x, y):
        self.drag((x, y), (x, y))

    def requests(self):
        """List the addresses that the page asked for, apart from its own and embedded data."""
        asked = [
            event["params"]["request"]["url"] for event in self._own("Network.requestWillBeSent")
        ]
        return [u for u in asked if not u.startswith(("data:", "blob:")) and u != self.address]

    def complaints(self):
        """List what the browser wrote to the console: errors, warnings, refused content."""
        self.evaluate("1")  # so that all earlier reports have arrived
        return [
            event["params"]
            for kind in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
            for event in self._own(kind)
        ]

    def _own(self, method):
        return [
            event
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] == method
        ]

    def close(self):
        self._browser.send("Target.closeTarget", targetId=self._target)


def wait_for(condition):
    """Wait until a function returns something true."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
