#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Tests the bed itself: a guest on the kernel's xen-netback and a bridge reaches hosts outside the NIC.
. /bed/lib.sh

BED_KEYS=bridge=xenbr0,script=vif-bridge
bed_nic_setup
bed_bridge_setup
bed_filter_add 00:16:3e:00:00:01
say "PF $PF, VFs $VFS"

guest_start g1 00:16:3e:00:00:01 || die "g1 did not start"
say "g1 is up"
check peer_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
check answers_from_an_unused_address "$(guest_run g1 "pingcheck -c 1 -w 500 10.0.2.77" | awk '{ print $4 }')" "== 0"
check tcp_out "$(tcp_mbps g1 out)" "> 1" Mbit/s
check tcp_in "$(tcp_mbps g1 in)" "> 1" Mbit/s
guest_stop g1
finish
