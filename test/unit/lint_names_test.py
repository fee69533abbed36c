#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test/lint-names must see a name that means two things in a made-up tree."""
import sys

sys.dont_write_bytecode = True
from facts import Tree, check


def two_values_are_seen(tree):
    tree.add("backend/a.h", "#define GROUPS_MAX 64u\n")
    tree.add("backend/port/b.c", "#define GROUPS_MAX 96u\n")
    assert tree.run() == 1
    assert "GROUPS_MAX has 2 values" in tree.said
    assert "64u: backend/a.h" in tree.said and "96u: backend/port/b.c" in tree.said


def blanks_comments_and_breaks_are_no_difference(tree):
    tree.add("backend/a.c", "#define LOOK(a)  f(a,\\\n\t1)\n#define N 1 /* one */\n")
    tree.add("backend/b.c", "# define LOOK(a) f(a, 1)\n#define N 1 // uno\n")
    assert tree.run() == 0 and not tree.said


def flags_and_guards_have_no_value(tree):
    tree.add("backend/a.h", "#ifndef A_H\n#define A_H\n#define LIST_ONLY\n#endif\n")
    tree.add("backend/b.h", "#define LIST_ONLY 1\n")
    assert tree.run() == 0


def what_a_file_undefines_is_its_own(tree):
    tree.add("backend/a.c", "#define X(a) a,\nLIST\n#undef X\n")
    tree.add("backend/b.c", "#define X(a) #a,\nLIST\n#undef X\n")
    assert tree.run() == 0


def comments_define_nothing(tree):
    tree.add("backend/a.c", "#define N 1\n")
    tree.add("backend/b.c", "/*\n#define N 2\n*/\n")
    assert tree.run() == 0


def tests_have_names_of_their_own(tree):
    tree.add("backend/a.c", "#define N 1\n")
    tree.add("test/unit/a_test.c", "#define N 2\n")
    assert tree.run() == 0


def functions_with_other_bodies_are_listed(tree):
    tree.add("backend/a.c", "static int look(int a)\n{\n\treturn a;\n}\n\nstatic int same(void)\n{\n\treturn 0;\n}\n")
    tree.add("backend/b.c", "static int look(int a)\n{\n\treturn -a;\n}\n\nstatic int same(void)\n{\n\treturn 0;\n}\n")
    assert tree.run("--functions") == 0 and tree.said == "look: backend/a.c backend/b.c\n"


FACTS = (two_values_are_seen, blanks_comments_and_breaks_are_no_difference, flags_and_guards_have_no_value,
         what_a_file_undefines_is_its_own, comments_define_nothing, tests_have_names_of_their_own,
         functions_with_other_bodies_are_listed)


if __name__ == "__main__":
    sys.exit(check(FACTS, lambda root: Tree(root, "test/lint-names")))
