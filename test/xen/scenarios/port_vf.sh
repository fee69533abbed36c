#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports on igb's VFs and on the switch, without guests: test/smoke/vf_smoke.sh starts it.
. /bed/lib.sh

bed_nic_setup
values() { ip link show "$PF" | grep 'vf '; }
before=$(values)
# The program removes the VFs at the end, and compares their settings itself before that.
timeout 120 vifd "$PF" 2 "$PEER" >/results/vf_smoke.log 2>&1
check port_facts_status $? "== 0"
cat /results/vf_smoke.log
check vfs_before "$(printf '%s\n' "$before" | wc -l)" "== 2"
finish
