#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Opens vifctl's report in a browser and prints what was seen there: a line NAME|VALUE|TARGET|UNIT for each check.

Usage: test/browser.py REPORT FOLDER    pictures of it go to FOLDER/report-light.png, -dark.png and report.pdf

The browser is chromium, spoken to by its DevTools protocol over a pipe. test/readers runs this where it is installed.
"""
import base64
import io
import json
import os
import subprocess
import sys
import tempfile

from PIL import Image, ImageStat

PLOTS = {"Sent by guests": "polyline", "Received by guests": "polyline", "Path of each vif": "rect",
         "Frames dropped, by cause": "rect"}
# What a plot needs: shapes that have an area, inside its picture; words and numbers that overlap nothing and end inside.
LOOK = """[...document.querySelectorAll('svg.plot')].map(plot => {
  const box = plot.getBoundingClientRect(), texts = [...plot.querySelectorAll('text')].map(t => t.getBoundingClientRect());
  const inside = b => b.left >= box.left - 1 && b.right <= box.right + 1 && b.top >= box.top - 1 && b.bottom <= box.bottom + 1;
  const shapes = [...plot.querySelectorAll('polyline, rect')].map(s => ({tag: s.tagName, box: s.getBoundingClientRect(),
    color: getComputedStyle(s)[s.tagName == 'rect' ? 'fill' : 'stroke']}));
  return {title: plot.getAttribute('aria-label'), headline: plot.parentNode.querySelector('h2').textContent,
    box: [box.left, box.top, box.right, box.bottom], shapes: shapes.map(s => ({tag: s.tag, color: s.color,
      visible: s.box.width > 0 && inside(s.box)})),
    words: texts.length, cut: texts.filter(t => !inside(t)).length,
    overlaps: texts.filter((t, i) => texts.some((u, j) => j > i && t.left < u.right && u.left < t.right &&
      t.top + 2 < u.bottom - 2 && u.top + 2 < t.bottom - 2)).length,
    keys: [...plot.parentNode.querySelectorAll('.legend li')].map(li => li.textContent.trim()),
    axes: [...plot.querySelectorAll('.axis')].map(t => t.textContent)};
})"""
# A page with every fault that is looked for
BAD = "<html><body><img src='http://192.0.2.1/a.png'/><script>console.error('oh'); undefined_function()</script></body></html>"


class Browser:
    """One page of a chromium; .fetched: addresses that it asked for, .errors: what its console said."""

    def __init__(self, folder):
        to_read, self.to = os.pipe()
        self.come, to_write = os.pipe()
        keep = [os.dup(to_read), os.dup(to_write)]
        command = ["chromium-headless-shell", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--hide-scrollbars", "--user-data-dir=" + folder]
        self.process = subprocess.Popen(["sh", "-c", 'exec 3<&%d 4>&%d "$@"' % tuple(keep), "sh"] + command, pass_fds=keep)
        for fd in (to_read, to_write, *keep):
            os.close(fd)
        self.number, self.buffer, self.session = 0, b"", None
        self.fetched, self.errors, self.loaded = [], [], False
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")

    def message(self):
        while b"\0" not in self.buffer:
            more = os.read(self.come, 1 << 20)
            if not more:
                sys.exit("the browser has ended")
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.fetched.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(str(params["args"][0].get("value")))
        elif method == "Log.entryAdded":
            self.errors.append(params["entry"]["text"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def ask(self, method, **params):
        self.number += 1
        question = {"id": self.number, "method": method, "params": params}
        if self.session:
            question["sessionId"] = self.session
        os.write(self.to, json.dumps(question).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") != self.number:
                self.note(answer)
            elif "error" in answer:
                sys.exit(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def open(self, path):
        self.fetched, self.errors, self.loaded = [], [], False
        self.ask("Page.navigate", url="file://" + os.path.abspath(path))
        while not self.loaded:
            self.note(self.message())

    def value(self, expression):
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def dress(self, scheme, width):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self):
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")

    def paper(self):
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"])

    def end(self):
        self.ask("Browser.close")
        self.process.wait(20)


def check(name, value, target, unit=""):
    print(f"{name}|{value}|{target}|{unit}", flush=True)


def color(text):
    return tuple(int(part) for part in text[text.index("(") + 1:-1].split(",")[:3])


def shown(picture, plot):
    """How many of the colours of a plot's shapes are to be seen in the picture, and how many there are."""
    seen = {pixel for _, pixel in picture.crop([round(edge) for edge in plot["box"]]).getcolors(1 << 24)}
    wanted = {color(shape["color"]) for shape in plot["shapes"] if shape["visible"]}
    return len(wanted & seen), len(wanted)


def look_at(browser, scheme, folder):
    browser.dress(scheme, 1200)
    plots, picture = browser.value(LOOK), browser.picture()
    picture.save(os.path.join(folder, f"report-{scheme}.png"))
    check(f"{scheme}: width that is wanted", browser.value("document.documentElement.scrollWidth"), "<= 1200", "px")
    check(f"{scheme}: brightness", round(ImageStat.Stat(picture.convert("L")).mean[0]), "> 200" if scheme == "light" else "< 70")
    for plot in plots:
        seen, wanted = shown(picture, plot)
        check(f"{scheme}: colours of '{plot['title']}' in the picture", seen, f"== {wanted}")
    return plots


def check_plots(plots):
    check("plots", ", ".join(plot["title"] for plot in plots), "== " + ", ".join(PLOTS))
    for plot in plots:
        name, tag = plot["title"], PLOTS.get(plot["title"], "rect")
        check(f"{name}: its headline", plot["headline"], "== " + name)
        check(f"{name}: shapes", sum(s["tag"] == tag for s in plot["shapes"]), ">= 3" if name != list(PLOTS)[3] else ">= 1")
        check(f"{name}: shapes without an area or outside", sum(not s["visible"] for s in plot["shapes"]), "== 0")
        check(f"{name}: words that are cut off", plot["cut"], "== 0")
        check(f"{name}: words that overlap", plot["overlaps"], "== 0")
        if name != list(PLOTS)[3]:
            check(f"{name}: keys", len(plot["keys"]), "== 4" if name == list(PLOTS)[2] else "== 3")
            check(f"{name}: its axis of time", str("seconds" in plot["axes"]).lower(), "true")
    check("the axis of traffic", str(all("Mbit/s" in plot["axes"] for plot in plots[:2])).lower(), "true")


def main():
    if len(sys.argv) != 3:
        print(__doc__.strip())
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    report, folder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        browser = Browser(home)
        browser.open(report)
        check("the page's title", browser.value("document.title.startsWith('vifd on ')"), "== True")
        check_plots(look_at(browser, "light", folder))
        look_at(browser, "dark", folder)
        paper = browser.paper()
        with open(os.path.join(folder, "report.pdf"), "wb") as file:
            file.write(paper)
        check("pages on paper", paper.count(b"/Type /Page\n"), "<= 3")
        check("what is fetched besides the page", len(browser.fetched) - 1, "== 0")
        check("errors on the console", len(browser.errors), "== 0")
        bad = os.path.join(home, "bad.html")
        with open(bad, "w", encoding="utf-8") as file:
            file.write(BAD)
        browser.open(bad)
        check("fetched by a page with faults", len(browser.fetched) - 1, ">= 1")
        check("errors of a page with faults", len(browser.errors), ">= 2")
        browser.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
