# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# guests that take no frames, or send long ones to groups: the pairs beside them keep their rate and lose nothing
#
#     b1 .. b8, c1 .. c8, a, x, y -- vifd --+-- the switch ----- up0 ------- eth0 ------+-- br0 10.77.0.1 in "host"
#     v, p, q ---------------------- vifd --+-- vf0, vf1, vf2 (VFs) ---- pf0, pf1, pf2 --+
#     broadcasts (from dom0) ---------------- probe ----------------------- pr0 --------+
#
# The neighbours are a and v, which send TCP to the wire, and the pairs x, y and p, q, whose frames are counted: each
# kind once on the software switch and once on VFs. TCP is measured with the eight others absent, paused, posting a
# buffer now and then, sending long frames to a group (64 KiB and 9000 bytes), and with eight more, all with static
# grants; broadcasts come all the time, in the first case as well. A ratio is the best of each case's rounds by the
# best of the first's: the machine's other work only makes a round slower. TCP sends at most SIM_STALLED_MBPS, which a
# busy machine can carry as well; 0: as much as it can.
#
# The frames to a group are no more than a small machine can copy, because the processors of the bed are shared by
# vifd, the guests and the bridge alike: 800 a second of 9000 bytes are 57 Mbit/s, 5600 frames a second on the wire,
# and as many again for each netdev of the bridge.

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
# SIM_STALLED_SECONDS of each measurement; SIM_STALLED_ROUNDS of all six cases; SIM_STALLED_BUFFER_MS: a guest that
# posts a buffer now and then waits so long; SIM_STALLED_GROUP long frames a second to a group, from each of the eight
PHASE=${SIM_STALLED_SECONDS:-1} ROUNDS=${SIM_STALLED_ROUNDS:-2} BUFFER_MS=${SIM_STALLED_BUFFER_MS:-900}
MBPS=${SIM_STALLED_MBPS:-150} GROUP=${SIM_STALLED_GROUP:-100}
GUESTS=8 BROADCASTS=1500

in_ns host ip link add br0 type bridge mcast_snooping 0
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip link set eth0 master br0
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set br0 up
for n in 0 1 2; do wire vf$n pf$n; done
wire probe pr0
in_ns dom0 ip link set probe up
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0 vf1 vf2'

path_is() { [ "$(xenstore-read "/local/domain/0/backend/vif/$(domid "$1")/0/path")" = "$2" ]; }
telemetry() { "$VIFCTL" --json "$@" 2>>"$SIM_LOGS/vifctl.log"; }
# of_vif NAME KEY: what vifctl show says of it
of_vif() { telemetry show "$(domid "$1").0" | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"; }

# counted_of NAME COUNTER
counted_of() { telemetry show "$(domid "$1").0" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"].get(sys.argv[1], 0))' "$2"; }

# the VFs are for the first three
for name in v p q a x y; do guest_create $name; done
for name in p q; do xenstore-write "/local/domain/0/backend/vif/$(domid $name)/0/policy/vf" require; done
for name in a x y; do xenstore-write "/local/domain/0/backend/vif/$(domid $name)/0/policy/vf" never; done
guest_start v
wait_for 15 "v on its VF" path_is v vf || die "v is not on its VF"
guest_start a
bad= more=
for ((i = 1; i <= GUESTS; i++)); do
	guest_create "b$i"
	guest_create "c$i"
	for name in b$i c$i; do xenstore-write "/local/domain/0/backend/vif/$(domid "$name")/0/policy/vf" never; done
	bad="$bad b$i" more="$more c$i"
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

# Do all its threads stand still?
is_paused() { ! ps -L -o state= -p "${guest_pid[$1]}" | grep -qv '^[Tt]' && kill -0 "${guest_pid[$1]}"; }

paused_start() {
	for name in $bad; do
		rm -f "$SIM_LOGS/guest-$name.log"
		guest_start "$name" --queues 1
	done
	for name in $bad; do kill -STOP "${guest_pid[$name]}"; done
	sleep 1.5 # all buffers that they had posted are full
	paused=0
	for name in $bad; do
		if wait_for 5 "$name is paused" is_paused "$name"; then
			paused=$((paused + 1))
		else
			say "$name: $(ps -L -o tid=,state=,wchan= -p "${guest_pid[$name]}" || echo ended), $(tail -n 2 "$SIM_LOGS/guest-$name.log")"
		fi
	done
}
paused_stop() {
	for name in $bad; do
		kill -CONT "${guest_pid[$name]}"
		guest_stop "$name" >/dev/null || true
	done
}

# slow_start "GUEST..." OPTION...
slow_start() {
	local domids='' name
	for name in $1; do domids="$domids $(domid "$name")"; done
	shift
	: >"$SIM_LOGS/slow.out"
	# shellcheck disable=SC2086 # several
	ip netns exec "$(ns dom0)" "$BIN/simguest-slow" "$@" $domids >"$SIM_LOGS/slow.out" 2>>"$SIM_LOGS/slow.log" &
	slow=$!
	wait_for 20 "slow guests" grep -q connected "$SIM_LOGS/slow.out" || true
}
slow_stop() { end $slow || true; }
trickle_start() { slow_start "$bad" --buffer-ms "$BUFFER_MS"; sleep 1; }
trickle_stop() { slow_stop; }
# One segment as long as the frame is no segmentation: the mtu rule drops such frames.
group_start() { slow_start "$bad" --buffer-ms "$BUFFER_MS" --group "$GROUP" --bytes 65000 --gso 65000; sleep 2.5; }
group_stop() {
	refused=$(counted_of b1 tx_drop_mtu)
	slow_stop
}
# The longest that a rule lets pass: each is clones of 5 buffers for each port, and 7 frames on the wire
jumbo_start() {
	for name in $bad; do xenstore-write "/local/domain/0/backend/vif/$(domid "$name")/0/policy/mtu" 9000; done
	slow_start "$bad" --buffer-ms "$BUFFER_MS" --group "$GROUP" --bytes 9000
	sleep 2.5
}
jumbo_stop() {
	passed_on=$(counted_of b1 tx_packets)
	slow_stop
	for name in $bad; do xenstore-rm "/local/domain/0/backend/vif/$(domid "$name")/0/policy/mtu"; done
}

# All buffers of sixteen guests are mapped for as long as they are connected
static_pages() {
	telemetry memory | python3 -c 'import json, sys; p = json.load(sys.stdin)["static_pages"]; print(p["buffers"] - p["free"])'
}
static_start() { slow_start "$bad $more" --buffer-ms "$BUFFER_MS" --static --queues 4; }
static_stop() {
	mapped=$(static_pages) of_one=$(of_vif b1 static_pages)
	slow_stop
}

# --- measuring --------------------------------------------------------------------------------------

# pair_loses A B PATH: sets $lost to the frames that two vifs lose between them, of 3000 a second both ways
pair_loses() {
	local pair
	gen --events --window 192 --rate 3000 --seconds 3 --both "$(domid "$1")" "$(domid "$2")" >/dev/null &
	pair=$!
	check_true "$1 and $2: path $3" wait_for 10 "their paths" eval "path_is $1 $3 && path_is $2 $3"
	wait $pair || true
	lost=$(($(value lost 1) + $(value lost 2)))
	check "frames between $1 and $2" "$(($(value rx 1) + $(value rx 2)))" "> 1000" frames
}

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
	for of in absent paused trickle group jumbo static; do
		${of}_start
		measure $of
		if [ $of = paused ]; then
			held=$(of_vif b1 held_buffers)
			stalled=$(of_vif b1 stalled)
			[ "$held" -le $held_most ] || held_most=$held
			if [ $round = 1 ]; then
				check "a paused guest is seen to be stalled" "$stalled" "== 1"
				pair_loses x y software
				of_software=$lost
				pair_loses p q vf
				lost=$((lost + of_software))
			fi
		fi
		${of}_stop
	done
done
kill $watcher
check paused_guests "$paused" ">= 8"
ratio paused_neighbour_tcp_ratio paused
timed paused_neighbour_frames_lost "$lost" "== 0"
ratio trickle_neighbour_tcp_ratio trickle
ratio group_64k_neighbour_ratio group
check "frames of 64 KiB to a group that were refused, of one guest" "$refused" "> $GROUP" frames
ratio group_9k_neighbour_ratio jumbo
check "frames of 9000 bytes to a group that passed, of one guest" "$passed_on" "> $GROUP" frames
ratio static_grants_neighbour_ratio static
check "pages that 16 guests have mapped" "$mapped" "> 4096"
check "pages of one of them" "$of_one" "== $((mapped / 16))"
check_true "no page is mapped when they are gone" wait_for 10 "unmapped pages" eval '[ "$(static_pages)" = 0 ]'
# 24576 buffers in 128 MiB; a stalled guest's share of what is free above a quarter is a sixty-fourth, twice
check "most buffers that a paused guest held" "$held_most" "<= 1600"
check "kinds of pools that were looked at" "$(sed -n 's/^\(vifd\|nic\|worker\|cut\)[^ ]* .*/\1/p' "$SIM_LOGS/pools.txt" | sort -u | wc -l)" "== 4"
check "looks at the pools" "$(grep -c '^vifd ' "$SIM_LOGS/pools.txt")" "> 5"
check pools_shared "$(grep EMPTY "$SIM_LOGS/pools.txt" | cut -d' ' -f1 | sort -u | wc -l)" "== 0"
kill $broadcasts
check_true "vifd lives" vifd_lives
