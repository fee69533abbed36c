# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Sourced by tests of shell programs that check one fact in each function.

# facts FILE FACT...: runs them, prints FILE (what the program said, or was asked) for one that fails, and the sum
facts() {
	local said=$1 fact status passed=0 failed=0
	shift
	for fact; do
		# A subshell of its own, not a condition: set -e must hold inside.
		set +e
		(set -e; "$fact")
		status=$?
		set -e
		if [ "$status" -eq 0 ]; then passed=$((passed + 1)); else
			failed=$((failed + 1))
			echo "failed: $fact: $(cat "$said" 2>/dev/null)"
		fi
	done
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
