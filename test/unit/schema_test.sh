#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# xenstore-schema/check must see each kind of difference between schema and sources; what
# xenstore-schema/generate makes must follow the schema, and be seen where it does not.
set -eu

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# A tree of one source file that agrees with its schema.
new_tree() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/backend/vif" "$work/tree/xenstore-schema" "$work/tree/common"
	mkdir -p "$work/tree/doc/man"
	printf '#define NODE "record"\n' >"$work/tree/common/names.h"
	printf '%s\n' '.SH before' '.\" generated: rules' 'stale' '.\" end of what is generated' '.SH after' \
		>"$work/tree/doc/man/vifd.conf.5"
	cat >"$work/tree/backend/vif/policy.c" <<-'END'
		static int set_flag(const struct policy_key *rule, struct policy_draft *draft)
		static int set_choice(const struct policy_key *rule, struct policy_draft *draft)
	END
	cat >"$work/tree/backend/vif/vif.c" <<-'END'
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
	END
	cat >"$work/tree/xenstore-schema/vif.schema" <<-'END'
		# comment
		backend/feature-sg = flag [vifd, guest, initwait] 0  # meaning
		backend/record = text 9 [vifd, guest, any] none  # meaning
		frontend/request = flag [guest, vifd, connect] 0  # meaning
		frontend/state = number 0..8 [guest, vifd, any] required  # meaning
		# Rules.
		backend/policy/a-flag = flag [admin, vifd, any] 1  # "what" it does
		backend/policy/a-word = choice x|y [admin, vifd, any] none  # meaning
	END
}

# schema/source EXPRESSION: change the file with sed; says TEXT: the check fails and mentions TEXT.
schema() { sed -i "$1" "$work/tree/xenstore-schema/vif.schema"; }
source_() { sed -i "$1" "$work/tree/backend/vif/vif.c"; }
check() { xenstore-schema/check --root "$work/tree" >"$work/out" 2>&1; }
says() { if check; then return 1; fi; grep -qF -- "$1" "$work/out"; }

agreement_is_silent() { check && [ ! -s "$work/out" ]; }
key_without_a_line() { schema '/request/d'; says 'vif.c:7: frontend/request has no line'; }
table_entry_without_a_line() { schema '/feature-sg/d'; says 'backend/feature-sg has no line'; }
macro_without_a_line() { schema '/record/d'; says 'backend/record has no line'; }
line_that_nobody_reads() { source_ '/store_get_u32/d'; says 'vif.schema:5: vifd does not read frontend/state'; }
line_that_nobody_writes() { source_ 's/ NODE,/ "state",/'; says 'vifd does not write backend/record'; }
write_to_the_guests_key() { source_ 's/store_get_u32.*/store_put(s, vif->frontend, "state", "1");/'; says 'writes frontend/state'; }
flag_read_as_number() { source_ 's/store_get_flag/store_get_u32/'; says 'reads frontend/request with store_get_u32'; }
right_name_wrong_folder() { source_ 's/vif->frontend/vif->backend/'; says 'backend/request has no line'; }
malformed_line() { schema 's/ none  # meaning/ none/'; says 'vif.schema:3: expected'; }
unknown_type() { schema 's/text 9/blob/'; says "no such type 'blob'"; }
doubled_line() { schema '3p'; says 'vif.schema:4: given twice'; }

generate() { xenstore-schema/generate --root "$work/tree" "$@" >"$work/out" 2>&1; }
made() { grep -qF -- "$2" "$work/tree/$1"; }
rule_of_unknown_type() { schema 's/choice x|y/macs 3/'; says 'vif.schema:8: policy.c has no set_macs() for a macs'; }
flag_without_a_default() { schema 's/any\] 1/any] none/'; says 'policy.c has no set_maybe()'; }
table_of_rules() {
	generate rules "$work/tree/rules.h"
	made rules.h 'RULE("a-flag", flag, FIELD(a_flag), 0, 1, NULL, "1",'
	made rules.h '"0 or 1", "\"what\" it does")'
	made rules.h 'RULE("a-word", choice, FIELD(a_word), 0, 0, "x|y", NULL,'
	if made rules.h request; then return 1; fi
}
documents_are_made() {
	generate docs
	made doc/xenstore.md '| `backend/policy/a-word` | x \| y |  | admin | vifd | at once | meaning |'
	made doc/xenstore.md '## Rules'
	made doc/man/vifd.conf.5 '.BR a\-flag " (0 or 1; 1 if it is not given)"'
	made doc/man/vifd.conf.5 '.SH before'
	made doc/man/vifd.conf.5 '.SH after'
	if made doc/man/vifd.conf.5 stale; then return 1; fi
	generate check
}
stale_documents_are_seen() {
	generate docs
	schema 's/# meaning/# other meaning/'
	if generate check; then return 1; fi
	grep -q 'doc/xenstore.md: not as' "$work/out"
	grep -q 'doc/man/vifd.conf.5: not as' "$work/out"
}
the_documents_here_are_fresh() { xenstore-schema/generate check >"$work/out" 2>&1; }

for fact in rule_of_unknown_type flag_without_a_default table_of_rules documents_are_made \
	stale_documents_are_seen the_documents_here_are_fresh agreement_is_silent key_without_a_line table_entry_without_a_line macro_without_a_line \
	line_that_nobody_reads line_that_nobody_writes write_to_the_guests_key flag_read_as_number \
	right_name_wrong_folder malformed_line unknown_type doubled_line; do
	new_tree
	set +e
	(set -e; "$fact")
	status=$?
	set -e
	if [ "$status" -eq 0 ]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "failed: $fact: $(cat "$work/out")"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
