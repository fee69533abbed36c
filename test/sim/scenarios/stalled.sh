# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# guests that take no frames, or send long ones to groups: the pairs beside them keep their rate and lose nothing
#
#     b1 .. b8, a, x, y -- vifd --+-- the switch -- up0 -- eth0 --+-- br0 10.77.0.1 in "host"
#     v -------------------- vifd --+-- vf0 (a VF) ------ pf0 ----+
#     broadcasts (from dom0) --------- probe ------------ pr0 ----+
#
# Each round measures TCP to the wire, from a (software switch) and from v (VF), with the eight others absent, paused,
# posting a buffer now and then, and sending to a group; broadcasts come all the time, in the first case as well. A ratio
# is the best of each case's rounds by the best of the first's: the machine's other work only makes a round slower. TCP
# sends at most SIM_STALLED_MBPS, which a busy machine can carry as well; 0: as much as it can.

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
# SIM_STALLED_SECONDS of each measurement; SIM_STALLED_ROUNDS of all four cases; SIM_STALLED_BUFFER_MS: a guest that
# posts a buffer now and then waits so long
PHASE=${SIM_STALLED_SECONDS:-1} ROUNDS=${SIM_STALLED_ROUNDS:-2} BUFFER_MS=${SIM_STALLED_BUFFER_MS:-900}
MBPS=${SIM_STALLED_MBPS:-150}
GUESTS=8 BROADCASTS=1500

in_ns host ip link add br0 type bridge mcast_snooping 0
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip link set eth0 master br0
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set br0 up
wire vf0 pf0
wire probe pr0
in_ns dom0 ip link set probe up
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0'

path_is() { [ "$(xenstore-read "/local/domain/0/backend/vif/$(domid "$1")/0/path")" = "$2" ]; }
telemetry() { "$VIFCTL" --json "$@" 2>>"$SIM_LOGS/vifctl.log"; }
# of_vif NAME KEY: what vifctl show says of it
of_vif() { telemetry show "$(domid "$1").0" | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"; }

# the VF is taken by the first
guest_create v
guest_start v
wait_for 15 "v on its VF" path_is v vf || die "v is not on its VF"
for name in a x y; do guest_create $name; done
guest_start a
bad=
for ((i = 1; i <= GUESTS; i++)); do
	guest_create "b$i"
	bad="$bad b$i"
done

# Writes down the pools of which others' frames get nothing any more: less than the reserve of all senders is free
pools_look() {
	telemetry memory | python3 -c '
import json, sys
for name, pool in json.load(sys.stdin).items():
    print(name, pool["free"], pool["buffers"], "EMPTY" if pool["free"] < pool["buffers"] / 32 else "")' >>"$SIM_LOGS/pools.txt" || true
}
pools_watch() { while sleep 0.2; do pools_look; done; }

# --- what the eight do ------------------------------------------------------------------------------

absent_start() { :; }
absent_stop() { :; }

paused_start() {
	for name in $bad; do
		rm -f "$SIM_LOGS/guest-$name.log"
		guest_start "$name" --queues 1
	done
	for name in $bad; do kill -STOP "${guest_pid[$name]}"; done
	sleep 1.5 # all buffers that they had posted are full
	paused=0
	for name in $bad; do [ "$(ps -o state= -p "${guest_pid[$name]}")" != T ] || paused=$((paused + 1)); done
}
paused_stop() {
	for name in $bad; do
		kill -CONT "${guest_pid[$name]}"
		guest_stop "$name" >/dev/null || true
	done
}

slow_start() {
	local domids=
	for name in $bad; do domids="$domids $(domid "$name")"; done
	: >"$SIM_LOGS/slow.out"
	# shellcheck disable=SC2086 # several
	ip netns exec "$(ns dom0)" "$BIN/simguest-slow" "$@" $domids >"$SIM_LOGS/slow.out" 2>>"$SIM_LOGS/slow.log" &
	slow=$!
	wait_for 15 "slow guests" grep -q "connected $GUESTS" "$SIM_LOGS/slow.out" || true
}
slow_stop() { end $slow || true; }
trickle_start() { slow_start --buffer-ms "$BUFFER_MS"; sleep 1; }
trickle_stop() { slow_stop; }
# Few frames, so that they are no load: but each is 18 buffers for each port. One segment as long as the frame is no
# segmentation; whether such a frame may pass at all is for the mtu rule to say.
group_start() { slow_start --buffer-ms "$BUFFER_MS" --group 2 --bytes 65000 --gso 65000; sleep 2.5; }
group_stop() { slow_stop; }

# --- measuring --------------------------------------------------------------------------------------

declare -A best=()
measure() {
	local of=$1 name mbps
	for name in a v; do
		mbps=$(tcp_mbps $name host "$PHASE" -b "${MBPS}M")
		echo "$of $name $mbps" >>"$SIM_LOGS/rates.txt"
		if awk -v m="$mbps" -v b="${best[$of,$name]:-0}" 'BEGIN { exit !(m > b) }'; then best[$of,$name]=$mbps; fi
	done
}
ratio_of() { awk -v a="${best[$1,$2]}" -v b="${best[absent,$2]}" 'BEGIN { printf "%.3f\n", b ? a / b : 0 }'; }
# ratio NAME CASE: the worse of the two neighbours
ratio() {
	local soft vf
	soft=$(ratio_of "$2" a) vf=$(ratio_of "$2" v)
	say "$1: software switch $soft (${best[absent,a]} -> ${best[$2,a]} Mbit/s), VF $vf (${best[absent,v]} -> ${best[$2,v]} Mbit/s)"
	timed "$1" "$(awk -v a="$soft" -v b="$vf" 'BEGIN { print a < b ? a : b }')" ">= 0.95"
}

ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --rate $BROADCASTS --burst 1 --seconds 3600 --dst ff:ff:ff:ff:ff:ff if:probe - \
	>"$SIM_LOGS/broadcasts.out" 2>>"$SIM_LOGS/gen.log" &
broadcasts=$!
pools_watch &
watcher=$!
held_most=0
for ((round = 1; round <= ROUNDS; round++)); do
	for of in absent paused trickle group; do
		${of}_start
		measure $of
		if [ $of = paused ]; then
			held=$(of_vif b1 held_buffers)
			stalled=$(of_vif b1 stalled)
			[ "$held" -le $held_most ] || held_most=$held
			if [ $round = 1 ]; then
				check "a paused guest is seen to be stalled" "$stalled" "== 1"
				gen --events --window 192 --rate 3000 --seconds 2 --both "$(domid x)" "$(domid y)" >/dev/null
				lost=$(($(value lost 1) + $(value lost 2)))
			fi
		fi
		${of}_stop
	done
done
kill $watcher
check paused_guests "$paused" ">= 8"
ratio paused_neighbour_tcp_ratio paused
check paused_neighbour_frames_lost "$lost" "== 0"
ratio trickle_neighbour_tcp_ratio trickle
ratio group_64k_neighbour_ratio group
# 24576 buffers in 128 MiB; a stalled guest's share of what is free above a quarter is a sixty-fourth, twice
check "most buffers that a paused guest held" "$held_most" "<= 1600"
check "looks at the pools" "$(grep -c '^vifd ' "$SIM_LOGS/pools.txt")" "> 5"
check pools_shared "$(grep EMPTY "$SIM_LOGS/pools.txt" | cut -d' ' -f1 | sort -u | wc -l)" "== 0"
kill $broadcasts
check_true "vifd lives" vifd_lives
