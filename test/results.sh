# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Checks of a run, and the result file that it leaves in $BUILD/results/. To be sourced.
#
#   check NAME VALUE TARGET [UNIT]     one check; TARGET is "== 6", ">= 1.3" or "true"
#   check_true NAME COMMAND...         passes if the command succeeds
#   figure NAME VALUE TARGET UNIT      TARGET "" = none; a miss is recorded but fails nothing
#   timed NAME VALUE TARGET [UNIT]     as check; in a sanitizer build as figure
#   detail KEY JSON                    adds a value to the file that is no check
#   results_write FILE                 writes FILE.json with everything since this file was sourced

checks_json= details_json=
passed=0 failed=0 skipped=0
results_start=$SECONDS
results_commit=$(git describe --always --dirty --exclude='*' 2>/dev/null || echo unknown)

say() { printf '%4d s  %s\n' $((SECONDS - results_start)) "$*"; }

json_string() {
	local text=${1//\\/\\\\}
	text=${text//\"/\\\"}
	printf '"%s"' "${text//$'\n'/ }"
}

json_value() {
	case $1 in
		true|false) printf '%s' "$1" ;;
		''|*[!0-9.-]*) json_string "$1" ;;
		*) printf '%s' "$1" ;;
	esac
}

# holds VALUE TARGET
holds() {
	local value=$1 op=${2%% *} want=${2#* }
	case $2 in
		'') return 0 ;;
		true|false) [ "$value" = "$2" ] ;;
		'== '*[!0-9.-]*) [ "$value" = "$want" ] ;;
		*) [[ $value =~ ^-?[0-9]+(\.[0-9]+)?$ ]] && awk -v v="$value" -v w="$want" "BEGIN { exit !(v + 0 $op w + 0) }" ;;
	esac
}

check() {
	local name=$1 value=$2 target=${3-} unit=${4-} ok=true
	if holds "$value" "$target"; then
		passed=$((passed + 1))
		say "ok    $name: $value${unit:+ $unit}"
	else
		ok=false
		failed=$((failed + 1))
		say "MISS  $name: $value${unit:+ $unit}, wanted $target"
	fi
	add_check "$name" "$value" "$target" "$unit" $ok
}

add_check() {
	checks_json="$checks_json${checks_json:+,
    }{\"name\": $(json_string "$1"), \"value\": $(json_value "$2"), \"unit\": $(json_string "$4"), \
\"target\": $(json_string "$3"), \"ok\": $5${6:+, \"figure\": true}}"
}

# figure NAME VALUE TARGET UNIT: a speed. A miss is recorded but fails nothing, because it depends on the load of
# the machine.
figure() {
	local ok=true
	holds "$2" "$3" || ok=false
	say "figure $1: $2${4:+ $4}${3:+, $([ $ok = true ] && echo met || echo missed) its target $3}"
	add_check "$1" "$2" "$3" "$4" $ok figure
}

# timed NAME VALUE TARGET [UNIT]: a check that fails if vifd is slow; a sanitizer makes it slow
timed() {
	case $BUILD in *san-*) figure "$1" "$2" "$3" "${4-}" ;; *) check "$@" ;; esac
}

check_true() {
	local name=$1
	shift
	if "$@"; then check "$name" true true; else check "$name" false true; fi
}

detail() {
	details_json="$details_json  $(json_string "$1"): $2,
"
}

# results_write FILE: below $BUILD/results, without .json
results_write() {
	mkdir -p "$BUILD/results"
	cat >"$BUILD/results/$1.json" <<-END
	{
	  "commit": $(json_string "$results_commit"),
	  "machine": $(json_string "$(uname -m), $(nproc) CPUs, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"),
	  "seconds": $((SECONDS - results_start)),
	${details_json%$'\n'}
	  "checks": [
	    $checks_json
	  ]
	}
	END
}
