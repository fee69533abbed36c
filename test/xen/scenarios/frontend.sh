#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The front end's matrix in short: vifront and xen-netfront, on a VF and in software; the whole: test/xen/frontend.
. /bed/lib.sh
: "${FRONT_MB:=2}"
. /bed/scenarios/frontend_vifd_lib

FRONT_SMALL_MB=1
vifd_bed
vifd_guests vifront
check_true vf_record_acknowledged wait_for 20 "the acknowledgement" acknowledged
check_true vf_static_grants wait_for 20 "static grants" lent
vifd_front_cells g1 ping_lost file
front_only g1 unloaded vifront unload
check faults "$(stat_of faults)" "== 0"
vifd_end
