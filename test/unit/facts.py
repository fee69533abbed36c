# SPDX-License-Identifier: BSD-3-Clause
"""What the Python tests share: facts that are checked one by one, and a made-up tree for the lint tools."""
import os
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


class Tree:
    """Files that git tracks, in a folder of their own; what the tool printed is in said."""

    def __init__(self, root, tool):
        self.root, self.tool, self.said = root, os.path.join(TOP, tool), ""
        subprocess.run(["git", "init", "-q", root], check=True)

    def add(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        subprocess.run(["git", "-C", self.root, "add", name], check=True)

    def run(self, *words):
        run = subprocess.run([self.tool, *words], cwd=self.root, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        self.said = run.stdout
        return run.returncode


def holds(fact, make):
    with tempfile.TemporaryDirectory() as root:
        subject = make(root)
        try:
            fact(subject)
        except Exception:
            print(f"failed: {fact.__name__}: {subject.said}{traceback.format_exc()}")
            return False
    return True


def check(facts, make):
    """Each fact on a subject of its own, which make(folder) makes; prints the sum. Return: exit status"""
    passed = sum(holds(fact, make) for fact in facts)
    print(f"{passed} passed, {len(facts) - passed} failed")
    return 0 if passed == len(facts) else 1
