# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# idle vifs cost next to no CPU time, and a guest is told at once that the link has changed
#
#     a guest ---------------- vifd -- vf0 (a device of its own) --- pf0 in "host"
#     100, then 256 guests --- vifd -- the switch -- up0 ---------- eth0 in "host"

CHANGES=${SIM_LINK_CHANGES:-20}
IDLE_S=${SIM_IDLE_S:-10}
SETTLE_S=3 # after the last vif has connected
idle=()

# CPU time of all of vifd's threads so far, in clock ticks
ticks() { sed 's/.*) //' "/proc/$vifd_pid/stat" | awk '{ print $12 + $13 }'; }

# cpu_percent: of one processor, over IDLE_S seconds
cpu_percent() {
	local before after start end
	sleep $SETTLE_S
	before=$(ticks) start=$EPOCHREALTIME
	sleep "$IDLE_S"
	after=$(ticks) end=$EPOCHREALTIME
	awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v s="$start" -v e="$end" \
		'BEGIN { printf "%.2f\n", 100 * t / hz / (e - s) }'
}

# cost NAME TARGET: processors differ in speed, so that twice the target fails, not the target
cost() {
	local percent
	percent=$(cpu_percent)
	figure "$1" "$percent" "< $2" %
	timed "$1: within twice that" "$percent" "< $((2 * $2))" %
}

# idle_start N: connects N guests; $first is the first one's domain
idle_start() {
	local out
	out=$(simctl burst "$1" script=none) || die "not all vifs reached InitWait: $out"
	first=${out#* }
	"$BIN/simguest-idle" "$first" "$1" >"$SIM_LOGS/idle-$first.log" 2>&1 &
	idle+=($!)
	wait_for 60 "$1 vifs connected" grep -qx "connected $1" "$SIM_LOGS/idle-$first.log" ||
		die "not all vifs connected: $(cat "$SIM_LOGS/idle-$first.log")"
}

idle_end() {
	local pid status
	for pid in "${idle[@]}"; do
		end "$pid" && status=0 || status=$?
		check "grants in use" $status "== 0"
	done
	idle=()
}

path_is() { [ "$(xenstore-read "/local/domain/0/backend/vif/$1/0/path")" = "$2" ]; }

ip link add "vf0$SIM_ID" type veth peer name "pf0$SIM_ID"
ip link set "vf0$SIM_ID" netns "$(ns dom0)" name vf0
ip link set "pf0$SIM_ID" netns "$(ns host)" name pf0
in_ns dom0 ip link set vf0 up
in_ns host ip link set pf0 up
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = none' 'devices = vf0'
idle_start 1
wait_for 10 "a device of its own" path_is "$first" vf || die "the guest has no device of its own"
said=$(in_ns host "$BIN/simlink" pf0 "$first" "$CHANGES") || die "simlink failed"
link() { echo "$said" | sed "s/.*\b$1 \([^ ]*\).*/\1/"; }
check "link changes told" "$(link seen)" "== $CHANGES"
# 10 ms: what nobody notices. 100 ms: what a busy machine does not take, but one who looks each second does.
figure link_change_to_carrier_ms_max "$(link max_ms)" "< 10" ms
detail link_change_to_carrier_ms_mean "$(link mean_ms)"
timed "link changes are told at once" "$(link max_ms)" "< 100" ms
idle_end
simctl destroy "$first"
vifd_stop

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'memory_mb = 256' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
idle_start 100
cost idle_100_vifs_cpu_percent 1
idle_start 156
cost idle_256_vifs_cpu_percent 2
idle_end
check maps_after_close "$(stat_of vifd maps)" "== 0"
