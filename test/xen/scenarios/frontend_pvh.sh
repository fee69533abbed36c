#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest's module in a PVH guest on vifd: no PV calls, grants and events as in HVM (Xen uses the emulated CPU's SVM).
. /bed/lib.sh
: "${FRONT_MB:=4}"
. /bed/scenarios/frontend_vifd_lib

# Shadow page tables, because with QEMU's nested paging the guest halts before its first message. Native time stamps,
# because QEMU's SVM reports an RDTSCP as an RDTSC, so Xen could not emulate it.
PVH='hap = 0
tsc_mode = "native"'

vifd_bed
GUEST_BOOT_LIMIT=300
GUEST_TYPE=pvh GUEST_CONFIG=$PVH front_create g1 00:16:3e:00:00:01 vifront
front_guest g2 00:16:3e:00:00:02 xen-netfront
front_ready g1 vifront
front_server g2 eth0
check_true pvh_on_a_vf wait_for 60 "g1 on a VF" vif_path_is g1 vf
check pvh_guest_type "$(guest_run g1 "cat /sys/hypervisor/guest_type")" "== PVH"
check_true pvh_static_grants wait_for 60 "static grants" has_static_grants
front_only g1 pvh vifront ping_lost tcp file ipv6 unload save
check pvh_faults "$(stat_of faults)" "== 0"
vifd_end
