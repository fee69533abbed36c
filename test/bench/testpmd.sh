# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034,SC2154 # variables of the libraries that are sourced too
#
# dpdk-testpmd as a peer of the benchmarks; to be sourced after test/sim/lib.sh.
#
#   tp_start NAME CPU [VARIABLE=VALUE...] -- ARGUMENT...   starts one with one polling thread on CPU; $tp_wrap is a
#                             command that runs it. Its process is ${tp_pid[NAME]}, its output testpmd-NAME.log
#                             $tp_program is another program that takes commands after a prompt and ends at "quit"
#   tp_ready NAME...          waits until they take commands
#   tp_say NAME COMMAND...    a line each for a testpmd
#   tp_stop                   ends all
#   nr_shown NAME             how many times it has shown its figures

declare -A tp_pid=() tp_fd=()

tp_start() {
	local name=$1 cpu=$2 fd words=()
	shift 2
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	: >"$SIM_LOGS/testpmd-$name.log" # now, so that nobody takes the former one for it
	mkfifo "$VIFD_SIM/$name.in"
	# shellcheck disable=SC2086
	${tp_wrap:-} env "${words[@]}" stdbuf -oL "${tp_program:-dpdk-testpmd}" --no-pci --no-huge --no-shconf \
		--no-telemetry --file-prefix="bench-$name-$$" --lcores "0@(0,1),1@$cpu" "$@" <"$VIFD_SIM/$name.in" >"$SIM_LOGS/testpmd-$name.log" 2>&1 &
	tp_pid[$name]=$!
	exec {fd}>"$VIFD_SIM/$name.in"
	rm "$VIFD_SIM/$name.in"
	tp_fd[$name]=$fd
}

tp_ready() {
	local name
	for name in "$@"; do
		wait_for 120 "testpmd ($name)" grep -q '> $' "$SIM_LOGS/testpmd-$name.log" ||
			die "testpmd did not start: $(tail -n 3 "$SIM_LOGS/testpmd-$name.log")"
	done
}

tp_say() {
	local name=$1
	shift
	printf '%s\n' "$@" >&"${tp_fd[$name]}"
}

tp_stop() {
	local name fd
	trap '' PIPE # one that was killed reads no more
	for name in "${!tp_pid[@]}"; do tp_say "$name" stop quit 2>/dev/null || true; done
	for name in "${!tp_pid[@]}"; do
		fd=${tp_fd[$name]}
		end_soon "${tp_pid[$name]}"
		exec {fd}>&-
	done
	tp_pid=() tp_fd=()
}

# end_soon PID: waits until it ends by itself
end_soon() {
	wait_for 10 "testpmd's end" process_is_gone "$1" || kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}
process_is_gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*zombie' "/proc/$1/status"; }

nr_shown() { grep -c 'Rx-pps:' "$SIM_LOGS/testpmd-$1.log" || true; }
