# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Shared by the benchmarks on the sim bed; to be sourced before test/sim/lib.sh.
#
#   bench_bed NAME                     settings of a bed whose logs are in $BUILD/sim/logs/NAME
#   bench_priority                     makes $front a command that runs a program on CPU 0, in real time if it may
#   pin_worker PID CPU [normal]        puts a program's polling threads on CPU, in real time unless "normal"
#   median FILE CASE SYSTEM            "median lowest highest" of the figures in FILE
#   apart_since NS                     that, or NS-NOW if the CPUs are not as far apart as they were (apart.c)
#   ratio FILE CASE SYSTEM OTHER       median over the rounds of SYSTEM / OTHER in the same round
#
# A line of FILE is "CASE SYSTEM ROUND FIGURE [NS]", where NS is how far the two CPUs were apart (apart.c), FROM-TO if that
# changed. Figures at distances that differ or changed are compared only if there is no better round.

die_early() { printf 'bench: %s\n' "$*" >&2; exit 1; }

bench_bed() {
	SIM_ID=$$ SIM_RESULT=$1 SIM_LOGS=$SIM_TOP/$BUILD/sim/logs/$1
	VIFD_SIM=$(mktemp -d /dev/shm/vifd-sim.XXXXXX)
	XENSTORED_PATH=$VIFD_SIM/xs/0.sock SIM_VIF_SCRIPT=$SIM_TOP/toolstack-hooks/vif-vifd
	RUNTIME_DIRECTORY=$VIFD_SIM/run SIM_WORKERS=1
	export SIM_TOP SIM_ID SIM_RESULT SIM_LOGS VIFD_SIM XENSTORED_PATH SIM_VIF_SCRIPT BUILD RUNTIME_DIRECTORY SIM_WORKERS
	rm -rf "$SIM_LOGS"
	mkdir -p "$SIM_LOGS"
}

# Threads that poll are real-time, so that other programs do not disturb them; control threads are not.
bench_priority() {
	front="taskset -c 0 chrt -f 1"
	chrt -f 1 true 2>/dev/null || { front="taskset -c 0"; say "no real-time priority here: expect a wider spread"; }
}

pin_worker() {
	local task
	for task in /proc/"$1"/task/*; do
		case $(cat "$task/comm" 2>/dev/null) in
			vifd-worker*|lcore-worker*|rte-worker*)
				taskset -p -c "$2" "${task##*/}" >/dev/null
				[ "${3:-}" = normal ] || chrt -f -p 1 "${task##*/}" 2>/dev/null || true ;;
		esac
	done
}

# Were two distances the same? Not if one of them changed
are_even() { awk -v a="$1" -v b="$2" 'BEGIN { exit !((a b) !~ /-/ && a < 1.5 * b && b < 1.5 * a) }'; }

apart_since() {
	local now
	now=$("$BIN/bench-apart")
	if are_even "$1" "$now"; then echo "$1"; else echo "$1-$now"; fi
}

median() {
	awk -v c="$2" -v s="$3" '$1 == c && $2 == s { print $4 }' "$1" | sort -n |
		awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)], v[1], v[NR] }'
}

ratio() {
	awk -v c="$2" -v s="$3" -v o="$4" '
		$1 == c && $2 == s { a[$3] = $4; a_ns[$3] = $5 }
		$1 == c && $2 == o { b[$3] = $4; b_ns[$3] = $5 }
		function even(r) { return (a_ns[r] b_ns[r]) !~ /-/ && a_ns[r] < 1.5 * b_ns[r] && b_ns[r] < 1.5 * a_ns[r] || a_ns[r] == "" }
		END {
			for (r in a) if (b[r] > 0 && even(r)) { printf "%.3f\n", a[r] / b[r]; nr++ }
			for (r in a) if (b[r] > 0 && !nr) printf "%.3f\n", a[r] / b[r]
		}' "$1" | sort -n |
		awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'
}
