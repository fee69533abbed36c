#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What tests of vifctl share; sourced by them, in the folder above test/. Their temporary folder is $tmp.

VIFCTL=$PWD/${BUILD:-build}/vifctl
tmp=$(mktemp -d /tmp/vifd-vifctl.XXXXXX)
passed=0 failed=0

# check NAME COMMAND...
check() {
	local name=$1
	shift
	if "$@" >"$tmp/check" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name: $*"
		cat "$tmp/check" "$tmp/out" "$tmp/err"
	fi
}

# ends STATUS ARGUMENT...: vifctl, run in $tmp; what it prints is in $tmp/out and $tmp/err
ends() {
	local want=$1 status=0
	shift
	(cd "$tmp" && exec timeout 60 "$VIFCTL" "$@") >"$tmp/out" 2>"$tmp/err" || status=$?
	[ $status = "$want" ]
}

# json EXPRESSION: is it true of x, what was printed? json_lines: of x, a list of what each line says. One
# Python answers them all, it takes long to start.
mkfifo "$tmp/question" "$tmp/answer"
python3 -c '
import json, sys
for line in sys.stdin:
    kind, expression = line.rstrip("\n").split(" ", 1)
    try:
        with open(sys.argv[1], encoding="utf-8") as out:
            x = json.load(out) if kind == "whole" else [json.loads(text) for text in out]
        answer = "yes" if eval(expression, {"x": x}) else f"no: {x!r}"
    except Exception as why:
        answer = f"no: {why!r}"
    print(answer, flush=True)
' "$tmp/out" <"$tmp/question" >"$tmp/answer" &
exec 8>"$tmp/question" 9<"$tmp/answer"

ask_json() {
	local answer=
	echo "$1 $2" >&8
	read -r -t 60 -u 9 answer || answer="no answer"
	echo "$answer"
	[ "$answer" = yes ]
}
json() { ask_json whole "$1"; }
json_lines() { ask_json lines "$1"; }
