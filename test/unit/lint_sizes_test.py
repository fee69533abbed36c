#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test/lint-sizes must see what is too long in a made-up tree, at the limit and beyond it."""
import sys

sys.dont_write_bytecode = True
import facts
from facts import check


class Tree(facts.Tree):
    """A tree whose figures test/lint-sizes counts."""

    def __init__(self, root):
        super().__init__(root, "test/lint-sizes")

    def count(self, name):
        assert self.run("--counts") == 0
        return int(dict(line.split() for line in self.said.splitlines())[name])


def function(lines):
    """Two lines of name and arguments, two of braces, and so many between that it has this many."""
    return "static int f(int a,\n\t     int b)\n{\n" + "\tg();\n" * (lines - 4) + "}\n\n"


def function_of_50_lines_is_short(tree):
    tree.add("backend/a.c", function(50) * 2)
    assert tree.run() == 0 and tree.count("functions_over_50_lines") == 0


def function_of_51_lines_is_long(tree):
    tree.add("backend/a.c", function(50) + function(51))
    assert tree.run() == 1
    assert "backend/a.c:52: 51 lines, 50 at most: static int f(int a," in tree.said
    assert tree.count("functions_over_50_lines") == 1


def inline_functions_of_headers_count(tree):
    tree.add("common/a.h", function(51))
    assert tree.run() == 1


def a_long_table_is_no_function(tree):
    tree.add("backend/a.c", "static int t[] = {\n" + "\t1,\n" * 60 + "};\n" + function(20))
    assert tree.run() == 0


def columns_are_counted_with_tabs(tree):
    tree.add("frontend/linux/a.h", "\t" + "x" * 92 + "\n")
    assert tree.run() == 0
    tree.add("frontend/linux/a.h", "\t" + "x" * 93 + "\n")
    assert tree.run() == 1 and "a.h:1: 101 columns" in tree.said
    assert tree.count("header_lines_over_100_columns") == 1


def columns_of_sources_are_the_formatters_business(tree):
    tree.add("backend/a.c", "x" * 101 + "\n")
    assert tree.run() == 0


def long_files_are_counted_apart_from_tests(tree):
    tree.add("test/unit/a_test.c", "\n" * 601)
    tree.add("backend/b.c", "\n" * 600)
    assert tree.run() == 0
    tree.add("backend/a.c", "\n" * 601)
    assert tree.run() == 1 and "backend/a.c: 601 lines, 600 at most" in tree.said
    assert tree.count("files_over_600_lines") == 1 and tree.count("test_files_over_600_lines") == 1


def files_of_tests_may_have_long_functions(tree):
    tree.add("test/unit/a_test.c", function(51))
    assert tree.run() == 0


FACTS = (function_of_50_lines_is_short, function_of_51_lines_is_long, inline_functions_of_headers_count,
         a_long_table_is_no_function, columns_are_counted_with_tabs, columns_of_sources_are_the_formatters_business,
         long_files_are_counted_apart_from_tests, files_of_tests_may_have_long_functions)


if __name__ == "__main__":
    sys.exit(check(FACTS, Tree))
