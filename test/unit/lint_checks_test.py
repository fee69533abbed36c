#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test/lint-checks must see checks that cannot fail; test/report must fail for missed targets, not for figures."""
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import facts
from facts import TOP, check

SCENARIO = "test/sim/scenarios/a.sh"


class Tree(facts.Tree):
    """A tree whose checks test/lint-checks judges, and results for test/report."""

    def __init__(self, root):
        super().__init__(root, "test/lint-checks")

    def report(self, *checks):
        """Run test/report with these checks as the results of the scenario stalled. Return: failed checks"""
        commit = subprocess.run(["git", "-C", TOP, "describe", "--always", "--exclude=*"],
                                stdout=subprocess.PIPE, text=True).stdout.strip()
        os.makedirs(os.path.join(self.root, "results"), exist_ok=True)
        with open(os.path.join(self.root, "results", "sim-stalled.json"), "w", encoding="utf-8") as stream:
            json.dump({"commit": commit, "checks": [dict(one, target="", unit="") for one in checks]}, stream)
        run = subprocess.run([os.path.join(TOP, "test/report"), "neighbours"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, env=dict(os.environ, BUILD=self.root))
        self.said = run.stdout
        failed = int(re.search(r"^\d+ passed, (\d+) failed", self.said, re.M).group(1))
        assert (run.returncode == 0) == (failed == 0)
        return failed


def counter_above_zero_is_no_bound(tree):
    tree.add(SCENARIO, 'check drops "$(counter drops)" "> 0"\n')
    assert tree.run() == 1
    assert f"{SCENARIO}:1: drops:" in tree.said


def figure_and_a_bound_are_fine(tree):
    tree.add(SCENARIO, 'check drops "$(counter drops)" ">= 5"\nfigure rate "$(rate)" "" Mbit/s\n')
    assert tree.run() == 0


def speed_above_zero_is_no_bound(tree):
    tree.add(SCENARIO, 'if true; then\n\ttimed tcp \\\n\t\t"$(tcp a b)" "> 0" Mbit/s\nfi\n')
    assert tree.run() == 1


def check_without_a_target_is_a_figure(tree):
    tree.add(SCENARIO, 'check drops "$(counter drops)"\ncheck_true lives true\n')
    assert tree.run() == 1 and len(tree.said.splitlines()) == 2


def missed_target_of_the_report_is_a_failed_check(tree):
    before = tree.report()
    assert tree.report({"name": "paused_guests", "value": 8, "ok": True}) == before
    assert tree.report({"name": "paused_guests", "value": 7, "ok": True}) == before + 1
    assert "MISS: paused_guests: 7 guests, wanted >= 8" in tree.said


def missed_figure_is_reported_and_fails_nothing(tree):
    before = tree.report()
    slow = {"name": "trickle_neighbour_tcp_ratio", "value": 0.5, "ok": False}
    assert tree.report(dict(slow, figure=True)) == before
    assert "figure, missed: trickle_neighbour_tcp_ratio: 0.5" in tree.said
    assert tree.report(slow) == before + 1


FACTS = (counter_above_zero_is_no_bound, figure_and_a_bound_are_fine, speed_above_zero_is_no_bound,
         check_without_a_target_is_a_figure, missed_target_of_the_report_is_a_failed_check,
         missed_figure_is_reported_and_fails_nothing)


if __name__ == "__main__":
    sys.exit(check(FACTS, Tree))
