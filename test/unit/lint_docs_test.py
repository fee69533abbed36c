#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test/lint-docs must see names that lead nowhere, and no others."""
import sys

sys.dont_write_bytecode = True
import facts
from facts import check

SECURITY, REPORTS = "doc/security.md", "test/field.reports"
ROW = "| lesson | {} |\n"


class Tree(facts.Tree):
    """A tree with one unit test and one scenario, whose documents test/lint-docs judges."""

    def __init__(self, root):
        super().__init__(root, "test/lint-docs")
        self.add("test/unit/a_test.c", "static void frames_of_others_are_dropped(void **state)\n")
        self.add("test/sim/scenarios/storm.sh", 'check "$1: lost pings" 0 "== 0"\ncheck frames_lost 0 "== 0"\n')

    def finds(self, path, text, said):
        self.add(path, text)
        assert self.run() == 1
        assert said in self.said

    def passes(self, path, text):
        self.add(path, text)
        assert self.run() == 0


def names_that_exist_pass(tree):
    tree.add("README.md", "[page](doc/security.md), `a_test.c`, test/sim/run storm\n")
    tree.add(REPORTS, "1 | text | frames_of_others_are_dropped\n2 | text | sim:storm:reboot:_lost_pings\n")
    tree.passes(SECURITY, ROW.format("`frames_of_*_are_dropped`; sim `storm` (`frames_lost`, `reboot: lost pings`)"))


def dead_link_is_seen(tree):
    tree.finds("README.md", "[page](doc/other.md)\n", "README.md: links to doc/other.md")


def missing_file_is_seen(tree):
    tree.finds("README.md", "`b_test.c`\n", "no file b_test.c")


def missing_test_is_seen(tree):
    tree.finds(SECURITY, ROW.format("`frames_of_others_are_sent`"), "no frames_of_others_are_sent in test/")


def name_in_the_list_of_reports_is_no_test(tree):
    tree.finds(REPORTS, "1 | text | frames_of_others_are_sent\n", "no frames_of_others_are_sent in test/")


def missing_scenario_is_seen(tree):
    tree.finds(SECURITY, ROW.format("sim `storm`, `calm`"), "no scenario calm of sim")


def missing_scenario_of_a_command_is_seen(tree):
    tree.finds("README.md", "test/xen/run storm\n", "no scenario storm of xen")


def missing_check_is_seen(tree):
    tree.finds(SECURITY, ROW.format("sim `storm` (`frames_doubled`)"), "storm.sh has no check 'frames_doubled'")


def missing_check_of_a_report_is_seen(tree):
    tree.finds(REPORTS, "1 | text | sim:storm:frames_doubled\n", "storm.sh has no check 'frames_doubled'")


def row_without_a_test_is_seen(tree):
    tree.finds(SECURITY, ROW.format("all is well"), "no test is named in: | lesson | all is well")


def row_that_says_why_passes(tree):
    tree.passes(SECURITY, ROW.format("No test: nobody can cause it"))


sys.exit(check([names_that_exist_pass, dead_link_is_seen, missing_file_is_seen, missing_test_is_seen,
                name_in_the_list_of_reports_is_no_test, missing_scenario_is_seen,
                missing_scenario_of_a_command_is_seen, missing_check_is_seen, missing_check_of_a_report_is_seen,
                row_without_a_test_is_seen, row_that_says_why_passes], Tree))
