# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Functions for scenarios of the sim bed; test/sim/run starts the bed and sources this file.
#
#     namespace "host"            namespace "dom0"                namespaces of guests
#     eth0 10.77.0.1 --- veth --- up0  vifd  (rings, no Xen) ---- simguest-tap: eth0 10.77.0.10+n
#
#   vifd_start [LINE...]               writes the configuration (default: uplink=up0), starts vifd
#   vifd_stop [SIGNAL]; vifd_kill      ends vifd and waits; vifd_kill uses SIGKILL
#   guest_create NAME [KEY=VALUE...]   creates domain and vif as libxl does; prints nothing
#   guest_start NAME [TAP OPTION...]   starts namespace and simguest-tap for a created guest
#   guest_run NAME COMMAND...          runs a command in its namespace ("host" is one too)
#   guest_stop NAME; guest_destroy NAME
#   domid NAME; guest_ip NAME
#   ping_lost FROM TO [COUNT]          counts echo requests without an answer; TO is a guest or "host"
#   tcp_mbps FROM TO [SECONDS]         measures with iperf3; FROM sends
#   gen [OPTION...] FROM TO            runs simguest-gen in dom0's namespace; value KEY reads its output
#   real_time PID [NAME]               other programs do not delay a program's threads, or those whose name begins so, if
#                                      the machine allows it
#   vifd_real_time                     the same for those of vifd's threads on which a move waits
#   events_start; gap_of_moves VIF     how long a stream with --silences $VIFD_SIM/silences was interrupted by moves
#   stat_of NAME KEY                   a counter of a process: maps, binds, copy_bytes ... (simctl stats)
#   wait_for SECONDS WHAT COMMAND...   waits until COMMAND succeeds; prints WHAT on timeout
#   check, check_true, figure, timed, detail: see test/results.sh; finish writes the results and exits

declare -A guest_dom=() guest_number=() guest_pid=()
vifd_pid=
: "${VIFD:=$SIM_TOP/$BUILD/vifd}"
: "${SIM_WORKERS:=2}"
BIN=$SIM_TOP/$BUILD/sim

# shellcheck source=test/results.sh
cd "$SIM_TOP"
. test/results.sh

# Ends the scenario after a failure that leaves nothing to test
die() {
	say "FAILED: $*"
	failed=$((failed + 1))
	finish
}

skip() {
	echo "skip $*"
	skipped=$((skipped + 1))
	finish
}

wait_for() {
	local limit=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $limit ]; then
			say "timeout: $what"
			return 1
		fi
		sleep 0.05
	done
}

# Counts the reports of sanitizers in all processes of the bed
sanitizer_reports() {
	cat "$SIM_LOGS"/*.log 2>/dev/null |
		grep -cE 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:' || true
}

# The fewest workers that a vifd of this scenario said it has
workers_used() {
	local fewest
	fewest=$(sed -n "s/.*serving domain .* with \([0-9]*\) workers.*/\1/p" "$SIM_LOGS"/vifd*.log 2>/dev/null | sort -n | head -1)
	echo "${fewest:-0}"
}

finish() {
	trap - EXIT
	case $BUILD in
		*san-*)
			programs_stop
			check sanitizer_reports "$(sanitizer_reports)" "== 0" ;;
	esac
	if [ "$(workers_used)" != 0 ]; then check "vifd's workers" "$(workers_used)" "== $SIM_WORKERS"; fi
	detail workers "$(workers_used)"
	results_write "$SIM_RESULT"
	bed_stop
	echo "$passed passed, $failed failed, $skipped skipped"
	exit $((failed > 0))
}

# --- the bed ---------------------------------------------------------------------------------------

ns() { echo "vs$SIM_ID-$1"; }
in_ns() { local n; n=$(ns "$1"); shift; ip netns exec "$n" "$@"; }

# wire NETDEV PEER: adds a netdev in dom0, and before that its peer on br0, the scenario's bridge in host
wire() {
	ip link add "$1$SIM_ID" type veth peer name "$2$SIM_ID"
	ip link set "$2$SIM_ID" netns "$(ns host)" name "$2"
	in_ns host ethtool -K "$2" tx off gso off tso off gro off >/dev/null
	in_ns host ip link set "$2" master br0 up
	ip link set "$1$SIM_ID" netns "$(ns dom0)" name "$1"
	in_ns dom0 ethtool -K "$1" gro off tx off >/dev/null
}

ns_create() {
	ip netns add "$(ns "$1")"
	in_ns "$1" ip link set lo up
	# Unrelated frames disturb the counts
	in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6="${SIM_NO_IPV6:-1}" \
		net.ipv6.conf.default.disable_ipv6="${SIM_NO_IPV6:-1}"
}

bed_start() {
	mkdir -p "$VIFD_SIM/run" "$SIM_LOGS"
	coproc STORE { exec "$BIN/xenstored-sim" ${SIM_STORE_ARGS:-} --ready 1 "$VIFD_SIM" 2>"$SIM_LOGS/xenstored-sim.log"; }
	store_pid=$STORE_PID
	read -r -N 1 -t 60 -u "${STORE[0]}" _ || die "xenstored-sim did not start: $(cat "$SIM_LOGS/xenstored-sim.log")"
	ns_create dom0
	ns_create host
	ip link add "up$SIM_ID" type veth peer name "pe$SIM_ID"
	ip link set "up$SIM_ID" netns "$(ns dom0)" name up0
	ip link set "pe$SIM_ID" netns "$(ns host)" name eth0
	in_ns dom0 ip link set up0 up mtu "${SIM_MTU:-1500}"
	# A wire carries complete frames with checksums
	in_ns host ethtool -K eth0 tx off gso off tso off gro off >/dev/null
	in_ns dom0 ethtool -K up0 gro off tx off >/dev/null
	in_ns host ip link set eth0 up mtu "${SIM_MTU:-1500}"
	in_ns host ip addr add 10.77.0.1/24 dev eth0
}

# Writes down where a process that does not end hangs
backtrace() {
	command -v gdb >/dev/null || return 0
	timeout 20 gdb -p "$1" -batch -ex 'thread apply all bt 12' >"$SIM_LOGS/hang-$1.txt" 2>&1 || true
	say "process $1 does not end: see $SIM_LOGS/hang-$1.txt"
}

# end PID [SIGNAL]: ends a process and waits; kills it after a minute
end() {
	local pid=$1 i
	kill "-${2:-TERM}" "$pid" 2>/dev/null || return 0
	for ((i = 0; i < 1200; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	if kill -0 "$pid" 2>/dev/null; then
		backtrace "$pid"
		kill -KILL "$pid"
	fi
	{ wait "$pid"; } 2>/dev/null
}

# Ends all processes in order, because a sanitizer looks for leaks at the end
programs_stop() {
	local name
	for name in "${!guest_pid[@]}"; do end "${guest_pid[$name]}" || true; done
	[ -z "$vifd_pid" ] || end "$vifd_pid" || true
	guest_pid=() vifd_pid=
}

bed_stop() {
	local name
	programs_stop
	[ -z "${store_pid:-}" ] || { disown "$store_pid" 2>/dev/null; kill -KILL "$store_pid"; } || true
	# Ends processes of a scenario that ended early
	ip netns list 2>/dev/null | sed -n "s/^\(vs$SIM_ID-[^ ]*\).*/\1/p" | while read -r name; do
		ip netns pids "$name" | xargs -r kill -KILL 2>/dev/null || true
		ip netns del "$name"
	done
	jobs -p | xargs -r kill 2>/dev/null || true
	rm -rf "$VIFD_SIM"
}

# --- vifd ------------------------------------------------------------------------------------------

vifd_config() {
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >"$VIFD_SIM/vifd.conf"
	else
		printf '%s\n' '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' \
			'uplink = up0' >"$VIFD_SIM/vifd.conf"
	fi
}

# Also true if vifd has died; the caller notices that
vifd_is_up() { ! kill -0 "$vifd_pid" 2>/dev/null || tail -c "+$(($1 + 1))" "$SIM_LOGS/vifd.log" | grep -q 'serving domain'; }

TSAN_OPTIONS="suppressions=$SIM_TOP/test/sim/tsan.supp ${TSAN_OPTIONS:-}"
export TSAN_OPTIONS

# vifd_exec: starts vifd and does not wait
vifd_exec() {
	ip netns exec "$(ns dom0)" env LD_LIBRARY_PATH="$BIN/lib" ${SIM_VIFD_WRAP:-} "$VIFD" \
		-c "$VIFD_SIM/vifd.conf" >>"$SIM_LOGS/vifd.log" 2>&1 &
	vifd_pid=$!
}

vifd_start() {
	local offset
	if [ $# -gt 0 ] || [ ! -e "$VIFD_SIM/vifd.conf" ]; then vifd_config "$@"; fi
	[ -e "$SIM_LOGS/vifd.log" ] || : >"$SIM_LOGS/vifd.log"
	offset=$(stat -c %s "$SIM_LOGS/vifd.log")
	vifd_exec
	if ! wait_for 30 "vifd's start" vifd_is_up "$offset" || ! vifd_lives; then
		die "vifd did not start: $(tail -n 3 "$SIM_LOGS/vifd.log")"
	fi
}

vifd_lives() { kill -0 "$vifd_pid" 2>/dev/null; }

vifd_stop() {
	local status=0
	end "$vifd_pid" "${1:-TERM}" || status=$?
	vifd_pid=
	return $status
}

vifd_kill() {
	kill -KILL "$vifd_pid"
	wait "$vifd_pid" 2>/dev/null || true
	vifd_pid=
}

# --- guests ----------------------------------------------------------------------------------------

simctl() { "$BIN/simctl" "$@"; }
domid() { echo "${guest_dom[$1]}"; }
guest_ip() { if [ "$1" = host ]; then echo 10.77.0.1; else echo "10.77.0.$((9 + guest_number[$1]))"; fi; }

guest_create() {
	local name=$1 out
	shift
	guest_dom[$name]=$(simctl create "$name") || return 1
	guest_number[$name]=$((${#guest_number[@]} + 1))
	out=$(simctl vif-add "$name" "$@") || return 1
	[ "$out" = "${guest_dom[$name]}.0" ] || say "$name: vif $out"
}

guest_is_ready() { grep -q '^ready' "$SIM_LOGS/guest-$1.log"; }

guest_start() {
	local name=$1
	shift
	ns_create "$name"
	rm -f "$SIM_LOGS/guest-$name.log" # of a guest of the same name
	ip netns exec "$(ns "$name")" "$BIN/simguest-tap" "$@" "${guest_dom[$name]}" \
		>"$SIM_LOGS/guest-$name.log" 2>&1 &
	guest_pid[$name]=$!
	wait_for 15 "guest $name" guest_is_ready "$name" || return 1
	in_ns "$name" ip addr add "$(guest_ip "$name")/24" dev eth0
}

guest_run() { in_ns "$@"; }

# guest_stop NAME: ends the program; its status is 0 if no grant is still in use
guest_stop() {
	local status=0
	end "${guest_pid[$1]}" || status=$?
	unset "guest_pid[$1]"
	ip netns del "$(ns "$1")"
	return $status
}

guest_destroy() {
	if [ -n "${guest_pid[$1]:-}" ]; then
		kill -KILL "${guest_pid[$1]}"
		wait "${guest_pid[$1]}" 2>/dev/null || true
		unset "guest_pid[$1]"
		ip netns del "$(ns "$1")"
	fi
	simctl destroy "${guest_dom[$1]}"
}

# pingcheck waits for late answers, which are not lost: a busy machine takes its time
ping_lost() {
	guest_run "$1" "$BIN/pingcheck" -c "${3:-5}" -i 20 "$(guest_ip "$2")" 2>&1 |
		awk '/^sent/ { print $6; seen = 1 } END { if (!seen) print "unknown" }'
}

# tcp_mbps FROM TO [SECONDS] [IPERF OPTION...]
tcp_mbps() {
	local from=$1 to=$2 server mbps
	# Not with guest_run, so that $! is the server itself and not a shell around it
	ip netns exec "$(ns "$to")" iperf3 -s -1 >"$SIM_LOGS/iperf3-server.log" 2>&1 &
	server=$!
	wait_for 5 "iperf3's server" guest_run "$to" sh -c 'ss -ltn | grep -q :5201' || true
	mbps=$(guest_run "$from" timeout $((${3:-2} + 30)) iperf3 -c "$(guest_ip "$to")" -t "${3:-2}" -f m "${@:4}" 2>&1 |
		tee -a "$SIM_LOGS/iperf3.log" |
		awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") mbps = $i }
			END { print mbps == "" ? 0 : mbps }')
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	echo "$mbps"
}

# gen [OPTION...] FROM TO: the output goes to gen.out as well
gen() {
	in_ns dom0 "$BIN/simguest-gen" "$@" 2>>"$SIM_LOGS/gen.log" | tee "$VIFD_SIM/gen.out" | tee -a "$SIM_LOGS/gen.log"
	return "${PIPESTATUS[0]}"
}

# value KEY [LINE]: from gen's last output
value() { sed -n "${2:-1}s/.*\b$1=\([^ ]*\).*/\1/p" "$VIFD_SIM/gen.out"; }

real_time() {
	local task
	for task in /proc/"$1"/task/*; do
		case $(cat "$task/comm" 2>/dev/null) in
			"${2-}"*) chrt -f -p 1 "${task##*/}" 2>/dev/null || true ;;
		esac
	done
}

# With no more processors than workers, these would keep the control thread from them
vifd_real_time() {
	real_time "$vifd_pid" vifd-worker
	chrt -f -p 1 "$vifd_pid" 2>/dev/null || true
}

events_start() { "$SIM_TOP/$BUILD/vifctl" events >"$VIFD_SIM/events" 2>>"$SIM_LOGS/vifctl.log" & }

# The longest silence about the time of a move of the vif, in ms: others last as long, when the machine runs something else
gap_of_moves() {
	sed -n "s/.*\"moved\".*\"time_ms\":\([0-9]*\),\"vif\":\"$1\".*/moved \1/p" "$VIFD_SIM/events" | cat - "$VIFD_SIM/silences" |
		awk '$1 == "moved" { at[++moves] = $2 }
			$1 == "silence" { for (i = 1; i <= moves; i++)
				if ($2 < at[i] + 20 && $3 > at[i] - 5 && $3 - $2 > longest) longest = $3 - $2 }
			END { if (moves) printf "%.1f\n", (longest > 0.3 ? longest : 0.3); else print "unknown" }'
}

stat_of() { simctl stats "$1" | sed -n "s/.*\b$2=\([^ ]*\).*/\1/p" | head -1; }

state_of() { xenstore-read "/local/domain/0/backend/vif/$1/${2:-0}/state"; }

trap 'say "the scenario ended early (line $LINENO)"; failed=$((failed + 1)); finish' EXIT
