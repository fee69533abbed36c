#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test/lint-circles must find each circle of a made-up program, and none where there is none."""
import os
import shlex
import subprocess
import sys

sys.dont_write_bytecode = True
from facts import TOP, check

CC = shlex.split(os.environ.get("CC", "")) or ["gcc"]


class Program:
    """Objects of a program in a folder of its own; what the tool printed is in said."""

    def __init__(self, root):
        self.root, self.said, self.names = root, "", []

    def path(self, name):
        return os.path.join(self.root, name)

    def add(self, name, source):
        with open(self.path(name + ".c"), "w", encoding="utf-8") as stream:
            stream.write(source)
        subprocess.run([*CC, "-c", "-O2", "-o", self.path(name + ".o"), self.path(name + ".c")], check=True)
        if name not in self.names:
            self.names.append(name)

    def line(self):
        """bottom <- middle <- top: a program without a circle."""
        self.add("bottom", "int depth; int bottom(void) { return depth; }")
        self.add("middle", "int bottom(void); int middle(void) { return bottom(); }")
        self.add("top", "int middle(void); int main(void) { return middle(); }")

    def find(self):
        run = subprocess.run([os.path.join(TOP, "test/lint-circles"), "made:", *(self.path(n + ".o") for n in self.names)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = run.stdout
        return run.returncode


def a_line_has_no_circle(program):
    program.line()
    assert program.find() == 0 and program.said == "0 circles\n"


def calls_that_come_back_are_a_circle(program):
    program.line()
    program.add("upward", "int middle(void); int upward(void) { return middle(); }")
    program.add("bottom", "int upward(void); int bottom(void) { return upward(); }")
    assert program.find() == 1
    assert "made: a circle of 3 files: bottom.c middle.c upward.c" in program.said
    assert "bottom.c -> upward.c: upward" in program.said and "top.c" not in program.said
    assert program.said.endswith("\n1 circles\n")


def data_counts_as_calls_do(program):
    program.line()
    program.add("bottom", "extern int height; int *bottom(void) { return &height; }")
    program.add("middle", "int *bottom(void); int height; int *middle(void) { return bottom(); }")
    assert program.find() == 1 and "bottom.c -> middle.c: height" in program.said


def namesakes_that_are_static_make_no_circle(program):
    program.line()
    program.add("bottom", "static __attribute__((noinline)) int middle(void) { return __LINE__; }"
                          "int bottom(void) { return middle(); }")
    assert program.find() == 0


def two_circles_are_two(program):
    for a, b in (("a", "b"), ("c", "d")):
        program.add(a, f"int {b}(void); int {a}(void) {{ return {b}(); }}")
        program.add(b, f"int {a}(void); int {b}(void) {{ return {a}(); }}")
    assert program.find() == 1 and program.said.endswith("\n2 circles\n")


def an_object_older_than_its_source_says_nothing(program):
    program.line()
    os.utime(program.path("bottom.c"), (2**31, 2**31))
    assert program.find() == 0 and "skip made: " in program.said and "older" in program.said


def a_header_newer_than_all_objects_says_nothing(program):
    program.line()
    with open(program.path("made.h"), "w", encoding="utf-8"):
        os.utime(program.path("made.h"), (2**31, 2**31))
    assert program.find() == 0 and "since a header changed" in program.said
    os.utime(program.path("top.o"), (2**31, 2**31))  # make builds only what includes it
    assert program.find() == 0 and program.said == "0 circles\n"


def a_half_written_object_says_nothing(program):
    program.line()
    os.truncate(program.path("top.o"), 200)
    assert program.find() == 0 and "top.o has no symbols" in program.said


def what_is_not_built_says_nothing(program):
    program.line()
    program.names.append("missing")
    assert program.find() == 0 and "missing.o is not built" in program.said


FACTS = (a_line_has_no_circle, calls_that_come_back_are_a_circle, data_counts_as_calls_do,
         namesakes_that_are_static_make_no_circle, two_circles_are_two, an_object_older_than_its_source_says_nothing,
         a_header_newer_than_all_objects_says_nothing,
         a_half_written_object_says_nothing, what_is_not_built_says_nothing)


if __name__ == "__main__":
    sys.exit(check(FACTS, Program))
