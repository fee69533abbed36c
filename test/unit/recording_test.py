#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test/recording: a scenario's recorded terminals become pictures, and nothing else does."""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

if "--help" in sys.argv:
    print(__doc__)
    sys.exit(0)
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
LOG = """  12 s  vifd is up
--- recording list: Who is <where> & why
$ vifctl list
VIF   PATH  <g1> & "g2"

$ vifctl vfs\x1b[0m
none
--- recording move: A move
$ vifctl move g1 vf
--- end
  99 s  ok    pairs_reachable: 6
"""
results = []


def check(name, ok):
    results.append(ok)
    if not ok:
        print(f"FAILED: {name}")


def texts(path):
    return [(node.text, node.get("class"), node.get("style")) for node in xml.parse(path).iter("{http://www.w3.org/2000/svg}text")]


with tempfile.TemporaryDirectory(prefix="recording-test.") as folder:
    with open(f"{folder}/log", "w", encoding="utf-8") as stream:
        stream.write(LOG)
    said = subprocess.run([f"{TOP}/test/recording", f"{folder}/log", f"{folder}/out"], stdout=subprocess.PIPE, text=True, check=True)
    check("the names are printed", said.stdout == "list.svg\nmove.svg\n")
    check("there is a picture for each", sorted(os.listdir(f"{folder}/out")) == ["list.svg", "move.svg"])
    lines = texts(f"{folder}/out/list.svg")
    check("the title is the first line", lines[0][0] == "Who is <where> & why")
    check("every line is there as it was", [line[0] for line in lines[1:]] ==
          ["$ vifctl list", 'VIF   PATH  <g1> & "g2"', "$ vifctl vfs[0m", "none"])
    check("what was typed is marked", [line[1] for line in lines[1:]] == ["line typed", "line", "line typed", "line"])
    delays = [float(line[2].split()[1][:-1]) for line in lines[1:]]
    check("the lines come one after the other", delays == sorted(delays) and len(set(delays)) == len(delays))
    check("nothing else of the log is there", len(texts(f"{folder}/out/move.svg")) == 2)
print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(not all(results))
