# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# eight guests share a slow wire: a greedy guest gets its share and what the others leave, and no more

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
SECONDS_A_PHASE=${SIM_FAIR_SECONDS:-4}
GUESTS=8 LINK=40 # Mbit/s
# Prints the Mbit/s of each guest during a phase, in the order of their domains
measure() {
	timeout $((SECONDS_A_PHASE + 20)) "$VIFCTL" --json top --interval "$SECONDS_A_PHASE" --count 1 2>>"$SIM_LOGS/vifctl.log" | python3 -c "
import json, sys
print(*('%.2f' % (s['tx_bytes_ps'] / 125e3) for s in sorted(json.load(sys.stdin), key=lambda s: int(s['vif'].split('.')[0]))))"
}

# traffic NAME OPTION...: one guest sends to an address on the wire until the phase ends
traffic() {
	local name=$1
	shift
	in_ns dom0 "$BIN/simguest-gen" --events --seconds $((SECONDS_A_PHASE + 3)) --dst 02:00:00:00:00:fe "$@" \
		"$(domid "$name")" - >"$SIM_LOGS/gen-$name.txt" 2>&1 &
	senders="$senders $!"
}

# phase OPTION...: the greedy guest sends all it can, the modest ones by OPTION; sets $rates to Mbit/s of each
phase() {
	local i
	senders=
	traffic g1 --queues 4 --flows 16 --burst 64 --size 1514
	for ((i = 2; i <= GUESTS; i++)); do traffic "g$i" "$@"; done
	sleep 1.5
	rates=$(measure)
	# shellcheck disable=SC2086 # several
	wait $senders || true
	say "Mbit/s: $rates"
}
jain() { echo "$@" | awk '{ for (i = 1; i <= NF; i++) { s += $i; q += $i * $i } printf "%.3f\n", s * s / (NF * q) }'; }
first_share() { echo "$@" | awk '{ for (i = 1; i <= NF; i++) s += $i; printf "%.3f\n", $1 / s }'; }
smallest() { echo "$@" | tr ' ' '\n' | sort -n | head -1; }

vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' "uplink_mbps = $LINK"
for ((i = 1; i <= GUESTS; i++)); do guest_create "g$i"; done

phase --rate 1250 --size 1514
timed jain_index "$(jain $rates)" ">= 0.95"
timed greedy_share "$(first_share $rates)" "<= 0.14"
phase --rate 6000 --size 300,600
timed "jain_index, small frames" "$(jain $rates)" ">= 0.9"
# one guest has a guarantee above its share
guarantee=/local/domain/0/backend/vif/$(domid g5)/0/policy/guaranteed
xenstore-write "$guarantee" 1875,1000
phase --rate 1250 --size 1514
# shellcheck disable=SC2086 # several
set -- $rates
timed "rate of a guest with 15 Mbit/s guaranteed" "$5" ">= 13" Mbit/s
timed "rate of the greedy guest meanwhile" "$1" "<= 6" Mbit/s
xenstore-rm "$guarantee"
# each modest guest sends half its share: it gets that, and the greedy guest the rest
phase --rate 200 --size 1514
# shellcheck disable=SC2086 # several
set -- $rates
timed "lowest rate of a modest guest" "$(smallest "${@:2}")" ">= 2.3" Mbit/s
timed "rate of the greedy guest, which gets the rest" "$1" ">= 8" Mbit/s
# weight by policy, under traffic
for ((i = 2; i <= GUESTS; i++)); do
	xenstore-write "/local/domain/0/backend/vif/$(domid "g$i")/0/policy/weight" 4
done
sleep 1.2
phase --rate 1250 --size 1514
timed "greedy_share with four times the others' weight" "$(first_share $rates)" ">= 0.32"
check "greedy_share with four times the others' weight, at most" "$(first_share $rates)" "<= 0.41"
check "maps after close" "$(stat_of vifd maps)" "== 0"
check_true "vifd lives" vifd_lives
