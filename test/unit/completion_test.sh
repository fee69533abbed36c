#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# bash and zsh complete every command of vifctl and every option that its --help has, and no others.
set -eu

cd "$(dirname "$0")/../.."
[ "${1:-}" != --help ] || { sed -n 3p "$0"; exit 0; }
PATH=$PWD/${BUILD:-build}:$PATH
files=toolstack-hooks/completion
passed=0 failed=0

# is NAME HAVE WANT
is() {
	if [ "$2" = "$3" ]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		printf '%s: have "%s", want "%s"\n' "$1" "$2" "$3"
	fi
}
sorted() { tr -s ' ' '\n' | sed '/^$/d' | sort -u | tr '\n' ' '; }
commands() { vifctl --help | sed -nE 's/^  ([a-z][a-z-]+) .*/\1/p'; }
options() { vifctl "$@" --help | sed -nE 's/^  -., (--[a-z]+) .*/\1/p'; }

# in_bash WORD...: what is offered for the last word
in_bash() {
	# shellcheck disable=SC2016 # the inner shell expands it
	bash -c '. "$0/vifctl"; . "$0/vifd"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		"_${1//-/_}"; printf "%s\n" "${COMPREPLY[@]}"' "$files" "$@" | sorted
}

# Its functions for completion print what they are given.
in_zsh() {
	# shellcheck disable=SC2016 # the inner shell expands it
	zsh -f -c 'compadd() { [[ $1 != -S ]] || shift 2; print -l -- ${(P)2} }
		_files() { print FILES }
		_arguments() { print -l -- ${(M)${${@#*\)}%%\[*}:#--*} }
		completion=$1; shift
		words=("$@"); CURRENT=$#; PREFIX=${words[-1]}; service=$1
		. $completion' zsh "$files/_vifd" "$@" | sorted
}

all=$(commands | sorted)
for shell in bash zsh; do
	command -v "$shell" >/dev/null || { echo "no $shell here: run test/deps"; exit 1; }
	is "$shell: commands" "$("in_$shell" vifctl '')" "$all"
	for command in $all; do
		is "$shell: options of $command" "$("in_$shell" vifctl "$command" --)" "$(options "$command" | sorted)"
	done
	is "$shell: second argument" "$("in_$shell" vifctl --json move 7.0 '')" "auto other software vf "
	is "$shell: a choice" "$("in_$shell" vifctl reset '')" "stats vf "
	is "$shell: vifd" "$("in_$shell" vifd --)" "--config --help --test --version "
	is "$shell: vifd-fs" "$("in_$shell" vifd-fs --)" "--help --version "
done
is "zsh: files" "$(in_zsh vifctl check a b '')" "FILES "
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
