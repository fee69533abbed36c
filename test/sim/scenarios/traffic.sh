# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# numbered frames of every size, both ways, between guests and to the wire: none is lost or duplicated

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 4' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
guest_create a
guest_create b

# exact NAME OPTION... FROM TO: frames sent at a modest rate arrive once and in order
exact() {
	local name=$1 line
	shift
	gen --window 192 "$@" >/dev/null || say "simguest-gen failed"
	for line in 1 2; do
		[ -n "$(value tx $line)" ] || continue
		check "$name ${line}: frames" "$(value tx $line)" "> 1000"
		check "$name ${line}: lost" "$(value lost $line)" "== 0"
		check "$name ${line}: duplicated" "$(value duplicated $line)" "== 0"
		check "$name ${line}: reordered" "$(value reordered $line)" "== 0"
		check "$name ${line}: violations" "$(value violations $line)" "== 0"
	done
}

A=$(domid a) B=$(domid b)
exact "with polling" --both --rate 20000 --seconds 1 --size 64,65,127,590,1514 "$A" "$B"
exact "with events" --both --events --rate 5000 --seconds 1 --size 64,1514 "$A" "$B"
exact "new grants for each frame" --both --regrant --rate 20000 --seconds 1 --size 64,1514 "$A" "$B"
exact "with four queues" --both --queues 4 --flows 16 --rate 20000 --seconds 1 --size 64,1514 "$A" "$B"
exact "with static grants" --both --static --rate 20000 --seconds 1 --size 64,1514 "$A" "$B"
exact "with static grants and four queues" --both --static --queues 4 --flows 16 --rate 20000 --seconds 1 --size 64,1514 "$A" "$B"
for opts in "" "--static"; do
	for size in 64 1514; do
		# shellcheck disable=SC2086 # options or none
		gen $opts --seconds 1 --size $size "$A" "$B" >/dev/null
		timed "received at full speed, $size bytes${opts:+, static grants}" "$(value rx_mpps)" "> 0.01" Mpps
	done
done
check "maps after close" "$(stat_of vifd maps)" "== 0"
check "binds after close" "$(stat_of vifd binds)" "== 0"
check_true "vifd lives" vifd_lives
