# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# two guests and a host reach each other; everything is released at the end

vifd_start
guest_create a
guest_create b
guest_start a || die "guest a did not connect"
guest_start b || die "guest b did not connect"
for pair in "a b" "b a" "a host" "b host" "host a" "host b"; do
	# shellcheck disable=SC2086 # two words
	check "ping_lost ${pair/ / to }" "$(ping_lost $pair 20)" "== 0" frames
done
check "tcp a to b" "$(tcp_mbps a b 2)" "> 100" Mbit/s
check "tcp a to host" "$(tcp_mbps a host 2)" "> 100" Mbit/s
check "tcp host to a" "$(tcp_mbps host a 2)" "> 100" Mbit/s
guest_stop a && status=0 || status=$?
check "guest_a_grants_in_use" $status "== 0"
guest_stop b && status=0 || status=$?
check "guest_b_grants_in_use" $status "== 0"
check "maps_after_close" "$(stat_of vifd maps)" "== 0"
check "binds_after_close" "$(stat_of vifd binds)" "== 0"
guest_destroy a
guest_destroy b
check_true "vifd_lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd_exit_status" $status "== 0"
