# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# two guests and a host reach each other; everything is released at the end

export RUNTIME_DIRECTORY=$VIFD_SIM/run
count_of() { "$SIM_TOP/$BUILD/vifctl" --json show "$(domid "$1").0" | python3 -c "import json, sys; print(json.load(sys.stdin)['counters']['$2'])"; }
vifd_start
guest_create a
guest_create b
guest_start a || die "guest a did not connect"
guest_start b || die "guest b did not connect"
for pair in "a b" "b a" "a host" "b host" "host a" "host b"; do
	# shellcheck disable=SC2086 # two words
	check "ping_lost ${pair/ / to }" "$(ping_lost $pair 20)" "== 0" frames
done
timed "tcp a to b" "$(tcp_mbps a b 2)" "> 100" Mbit/s
timed "tcp a to host" "$(tcp_mbps a host 2)" "> 100" Mbit/s
timed "tcp host to a" "$(tcp_mbps host a 2)" "> 100" Mbit/s
check tx_gso_of_a "$(count_of a tx_gso)" ">= 100" frames
check tx_csum_blank_of_a "$(count_of a tx_csum_blank)" ">= 100" frames
check rx_gso_of_b "$(count_of b rx_gso)" ">= 100" frames
# from guest to guest where one worker has both
if [ "$SIM_WORKERS" = 1 ]; then one_copy='>= 100'; else one_copy='== 0'; fi
check tx_one_copy_of_a "$(count_of a tx_one_copy)" "$one_copy" frames
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_stop b && status=0 || status=$?
check "grants in use by guest b" $status "== 0"
check "maps after close" "$(stat_of vifd maps)" "== 0"
check "binds after close" "$(stat_of vifd binds)" "== 0"
guest_destroy a
guest_destroy b
check_true "vifd lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
