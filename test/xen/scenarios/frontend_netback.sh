#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest's module on the kernel's own xen-netback: everything xen-netfront does, and how fast beside it.
. /bed/lib.sh
. /bed/scenarios/frontend_lib

BED_KEYS=bridge=xenbr0,script=vif-bridge
bed_nic_setup
bed_bridge_setup
front_setup
front_server dom0 xenbr0
bed_filter_add 00:16:3e:00:00:01

FRONT_ARGS="vifront.max_queues=2" front_guest g1 00:16:3e:00:00:01 vifront
front_cell g1 netback
check netback_queues "$(guest_run g1 "ls -d /sys/class/net/eth0/queues/tx-* | wc -l")" "== 2"
check_true netback_rss front_rss g1
check_true netback_xdp_pass front_xdp g1 pass 0 0
check_true netback_xdp_drop front_xdp g1 drop 10 10
check_true netback_xdp_tx front_xdp g1 tx 10 10
check_true netback_xdp_redirect front_xdp g1 redirect 10 10
check netback_unload "$(front_unload g1 vifront | tr '\n' ' ')" "== gone 0 "
check netback_ping_after_reload "$(ping_lost g1 "$PEER" 10)" "== 0"
check_true netback_save_restore front_save g1
check netback_ping_after_restore "$(ping_lost g1 "$PEER" 10)" "== 0"
check_true netback_file_after_restore file_in g1 $SERVER_IP
check_true netback_untrusted front_untrusted g1
check netback_recover "$(front_recover g1)" "== 0"
check netback_faults "$(guest_run g1 "ethtool -S eth0 | awk '/ faults:/ { print \$2 }'")" "== 0"
front_driver g1 xen-netfront
front_cell g1 stock
front_compare g1 beside_netback
guest_run g1 "ethtool -S eth0 | grep -v ': 0'; dmesg | tail -n 30" >/results/g1.txt
guest_stop g1
finish
