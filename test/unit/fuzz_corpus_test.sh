#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The inputs that fuzzing has kept show no fault in any target, built by the ordinary compiler.
set -eu

cd "$(dirname "$0")/../.."
[ "${1:-}" != --help ] || { sed -n 3p "$0"; exit 0; }
passed=0 failed=0
for source in test/fuzz/*_fuzz.c; do
	name=$(basename "$source" _fuzz.c)
	log=$(mktemp)
	if "${BUILD:-build}/test/fuzz/$name" "test/fuzz/corpus/$name"/* >"$log" 2>&1 && [ "$(tail -n 1 "$log")" -gt 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s: %s\n' "$name" "$(tail -n 5 "$log")"
	fi
	rm "$log"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
