#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A guest on a VF is migrated to the same host, and saved and restored on a host without VFs and back, under TCP.
#
#     g1 --- VF, vifd's switch, VF --- igb --- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, which answers pings
. /bed/lib.sh
. /bed/scenarios/migration_lib

lives=0 moments=0

reaches_peer() { [ "$(ping_lost g1 $PEER 5)" = 0 ]; }

# arrived NAME PATH: checks that the guest is on PATH and that the first TCP connection still carries data
arrived()
{
	local before

	check_true "$1_path_$2" wait_for 30 "g1 on $2" vif_path_is g1 "$2"
	before=$(tcp_reports g1)
	moments=$((moments + 1))
	check_true "$1_tcp_alive" wait_for 60 "TCP after $1" tcp_flows_after g1 "$before"
	! tcp_flows_after g1 "$before" || lives=$((lives + 1))
	check_true "$1_pings_answered" wait_for 20 "answers" reaches_peer
}

config() { vifd_config '[daemon]' "workers = $BED_WORKERS" '' '[nic bed]' "$@" "uplink = $PF"; }

save() { xl save g1 /run/g1.save >/run/xl.out 2>&1 || die "save: $(tail -n 3 /run/xl.out)"; }
restore()
{
	xl restore /run/g1.save >/run/xl.out 2>&1 || die "restore: $(tail -n 3 /run/xl.out)"
	rm -f /run/g1.save
}

bed_nic_setup
config "pf = $PF" "vfs = $BED_VFS"
vifd_start
guest_start g1 00:16:3e:00:00:01 || die "g1 did not start"
wait_for 30 "g1 on a VF" vif_path_is g1 vf || die "g1 has no VF"
old=$(guest_domid g1)
guest_run g1 "iperf3 -c $OUTSIDE -p $BED_IPERF_PORT -t 900 -b 2M -i 1 --forceflush >/tmp/tcp 2>&1 &"
sleep 3
start=$SECONDS
migrate g1
check migrate_is_another_domain "$(guest_domid g1)" "> $old"
arrived migrated vf
check migrate_left_nodes "$(xenstore-list /local/domain/0/backend/vif | grep -cx "$old")" "== 0"
check migrate_left_domains "$(zombies g1)" "== 0"

# as if on another host, which has no VFs
save
vifd_stop
config
vifd_start
restore
arrived without_vfs software
# and back to one with VFs
save
vifd_stop
config "pf = $PF" "vfs = $BED_VFS"
vifd_start
restore
arrived with_vfs vf
check migration_tcp_alive "$([ $lives = $moments ] && echo true || echo false)" true
detail tcp_alive_after "$lives"
figure seconds $((SECONDS - start)) "" s
guest_stop g1
finish
