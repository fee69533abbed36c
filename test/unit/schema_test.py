#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""xenstore-schema/check must see each kind of difference between schema and sources; what
xenstore-schema/generate makes must follow the schema, and be seen where it does not."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import re
import sys
import textwrap

sys.dont_write_bytecode = True
from facts import TOP, check

SCHEMA, SOURCE = "xenstore-schema/vif.schema", "backend/vif/vif.c"
XENSTORE, MANUAL, POLICY, RULES = "doc/xenstore.md", "doc/man/vifd.conf.5", "doc/policy.md", "rules.h"
COUNTERS = "backend/path/counters.h"

# A tree of one source file that agrees with its schema.
FILES = {
    "common/names.h": '#define NODE "record"\n',
    MANUAL: '.SH before\n.\\" generated: rules\nstale\n.\\" end of what is generated\n.SH after\n',
    POLICY: "before\n<!-- generated: rules -->\nstale\n<!-- end of what is generated -->\nafter\n",
    COUNTERS: '#define PATH_COUNTERS(X, RULE) \\\n X(tx_packets, "all") \\\n RULE(tx_drop_a, "text")\n',
    "backend/policy/words.c": """\
        static int set_flag(const struct policy_key *rule, struct policy_draft *draft)
        static int set_choice(const struct policy_key *rule, struct policy_draft *draft)
        static int set_tag(const struct policy_key *rule, struct policy_draft *draft)
        """,
    SOURCE: """\
        static const struct { const char *key; int value; } features[] = {
            { "feature-sg", 1 },
        };
        static void use(struct vif *vif, const char *dir)
        {
            store_put(s, vif->backend, features[0].key, "%d", 1);
            store_get_flag(s, vif->frontend,
                       "request", false);
            store_get_u32(s, dir, "state", 0, 8, &x);
            store_put(s, vif->backend, NODE, "%s", "a, (b");
            /* store_put(s, vif->backend, "in-a-comment", "1"); */
        }
        """,
    SCHEMA: """\
        # comment
        backend/feature-sg = flag [vifd, guest, initwait] 0  # meaning
        backend/record = text 9 [vifd, guest, any] none  # meaning
        frontend/request = flag [guest, vifd, connect] 0  # meaning
        frontend/state = number 0..8 [guest, vifd, any] required  # meaning
        # Rules.
        backend/policy/a-flag = flag [admin, vifd, any] 1 hw=spoof counts=tx_drop_a bits=tx  # "what" it does
        backend/policy/a-word = choice x|y [admin, vifd, any] none hw=none  # meaning
        """,
}


def program(name):
    """The script xenstore-schema/NAME as a module: its main() is what the command does."""
    path = os.path.join(TOP, "xenstore-schema", name)
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


sys.path.insert(0, os.path.join(TOP, "xenstore-schema"))
CHECK, GENERATE = program("check"), program("generate")


class Tree:
    """A new tree in a folder; what was printed last is in said."""

    def __init__(self, root):
        self.root, self.said = root, ""
        for path, text in FILES.items():
            self.write(path, textwrap.dedent(text))

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as stream:
            return stream.read()

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)

    def change(self, path, pattern, by):
        """Every line that matches must be there; by = "" takes whole lines away."""
        old = self.read(path)
        new = re.sub(pattern if by else f".*{pattern}.*\n", by, old)
        assert new != old, f"{path}: no {pattern}"
        self.write(path, new)

    def schema(self, pattern, by=""):
        self.change(SCHEMA, pattern, by)

    def source(self, pattern, by=""):
        self.change(SOURCE, pattern, by)

    def call(self, main, *arguments):
        with io.StringIO() as out, contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = main(*arguments)
            self.said = out.getvalue()
        return status

    def check(self):
        return self.call(CHECK.main, self.root)

    def generate(self, *arguments):
        return self.call(GENERATE.main, ["--root", self.root, *arguments])

    def checked_says(self, text):
        assert self.check() == 1
        assert text in self.said, text

    def made(self, path, *texts):
        for text in texts:
            assert text in self.read(path), text

    def not_made(self, path, text):
        assert text not in self.read(path), text


def agreement_is_silent(tree):
    assert tree.check() == 0 and not tree.said


def key_without_a_line(tree):
    tree.schema("request")
    tree.checked_says("vif.c:7: frontend/request has no line")


def table_entry_without_a_line(tree):
    tree.schema("feature-sg")
    tree.checked_says("backend/feature-sg has no line")


def array_element_without_a_line(tree):
    tree.source('"request", false', 'words[i], false')
    tree.source("static void use", 'static const char *const words[] = { "request", "other" };\nstatic void use')
    tree.checked_says("frontend/other has no line")
    assert "request" not in tree.said


def macro_without_a_line(tree):
    tree.schema("record")
    tree.checked_says("backend/record has no line")


def line_that_nobody_reads(tree):
    tree.source("store_get_u32")
    tree.checked_says("vif.schema:5: vifd does not read frontend/state")


def line_that_nobody_writes(tree):
    tree.source(" NODE,", ' "state",')
    tree.checked_says("vifd does not write backend/record")


def write_to_the_guests_key(tree):
    tree.source("store_get_u32.*", 'store_put(s, vif->frontend, "state", "1");')
    tree.checked_says("writes frontend/state")


def flag_read_as_number(tree):
    tree.source("store_get_flag", "store_get_u32")
    tree.checked_says("reads frontend/request with store_get_u32")


def right_name_wrong_folder(tree):
    tree.source("vif->frontend", "vif->backend")
    tree.checked_says("backend/request has no line")


def malformed_line(tree):
    tree.schema(" none  # meaning", " none")
    tree.checked_says("vif.schema:3: expected")


def unknown_type(tree):
    tree.schema("text 9", "blob")
    tree.checked_says("no such type 'blob'")


def doubled_line(tree):
    tree.schema("(backend/record .*\n)", r"\1\1")
    tree.checked_says("vif.schema:4: given twice")


def rule_of_unknown_type(tree):
    tree.schema(r"choice x\|y", "macs 3")
    tree.checked_says("vif.schema:8: policy/words.c has no set_macs() for a macs")


def flag_without_a_default(tree):
    tree.schema(r"any\] 1", "any] none")
    tree.checked_says("policy/words.c has no set_maybe()")


def table_of_rules(tree):
    assert tree.generate("rules", os.path.join(tree.root, RULES)) == 0
    tree.made(RULES, 'RULE("a-flag", flag, FIELD(a_flag), 0, 1, NULL, "1", PORT_PART_SPOOF, "0 or 1")',
              'RULE("a-word", choice, FIELD(a_word), 0, 0, "x|y", NULL, PORT_PART_NONE,')
    tree.not_made(RULES, "request")


def bits_of_rules(tree):
    tree.schema("(.*a-word.*)", r"\1\nbackend/policy/b-tag = tag [admin, vifd, any] none hw=none bits=tx+rx  # meaning"
                "\nbackend/policy/b-flag = flag [admin, vifd, any] 0 hw=none bits=rx  # meaning")
    assert tree.generate("rules", os.path.join(tree.root, RULES)) == 0, tree.said
    tree.made(RULES, "FLAG(a_flag, POLICY_NO_A_FLAG, 0, 1, 0, 1)", "VALUE(b_tag, POLICY_B_TAG, 1, 1, 1, uint16_t)",
              "FLAG(b_flag, POLICY_B_FLAG, 2, 0, 1, 0)")


def rule_that_does_not_tell_of_hardware(tree):
    tree.schema(" hw=none", " ")
    tree.checked_says("vif.schema:8: expected")


def hardware_of_another_key(tree):
    tree.schema("(frontend/state .*required)", r"\1 hw=none")
    tree.checked_says("vif.schema:5: expected hw= after the default of keys below policy/ and of no others")


def bit_of_a_word(tree):
    tree.schema(" hw=none", " hw=none bits=tx")
    tree.checked_says("vif.schema:8: expected bits= only of")


def counter_that_is_not_there(tree):
    tree.schema("tx_drop_a", "tx_drop_b")
    tree.checked_says("vif.schema:7: path/counters.h has no tx_drop_b")


def counter_of_no_rule(tree):
    tree.schema(" counts=tx_drop_a", " ")
    tree.schema("  bits", " bits")
    tree.checked_says("no rule of the schema counts by tx_drop_a")


def documents_are_made(tree):
    assert tree.generate("docs") == 0
    tree.made(XENSTORE, "| `backend/policy/a-word` | x \\| y |  | admin | vifd | at once | meaning |",
              "## Rules")
    tree.made(MANUAL, '.BR a\\-flag " (0 or 1; 1 if it is not given)"', ".SH before", ".SH after")
    tree.not_made(MANUAL, "stale")
    tree.made(POLICY, "before", '| `a-flag` | 0 or 1 | `1` | "what" it does | `tx_drop_a` | yes |',
              "| `a-word` | x \\| y |  | meaning |  |  |", "after")
    tree.not_made(POLICY, "stale")
    assert tree.generate("check") == 0


def stale_documents_are_seen(tree):
    assert tree.generate("docs") == 0
    tree.schema("# meaning", "# other meaning")
    assert tree.generate("check") == 1
    assert f"{POLICY}: does not agree" in tree.said, tree.said
    assert f"{XENSTORE}: does not agree" in tree.said and f"{MANUAL}: does not agree" in tree.said


def the_documents_here_are_fresh(tree):
    assert tree.call(GENERATE.main, ["check"]) == 0


FACTS = (agreement_is_silent, key_without_a_line, table_entry_without_a_line, array_element_without_a_line, macro_without_a_line,
         line_that_nobody_reads, line_that_nobody_writes, write_to_the_guests_key, flag_read_as_number,
         right_name_wrong_folder, malformed_line, unknown_type, doubled_line, rule_of_unknown_type,
         flag_without_a_default, table_of_rules, bits_of_rules,
         rule_that_does_not_tell_of_hardware, hardware_of_another_key, bit_of_a_word,
         counter_that_is_not_there, counter_of_no_rule, documents_are_made, stale_documents_are_seen,
         the_documents_here_are_fresh)


if __name__ == "__main__":
    sys.exit(check(FACTS, Tree))
