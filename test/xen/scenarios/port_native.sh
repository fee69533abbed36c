#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports on igb's VFs by DPDK's own driver, no Xen, an IOMMU: test/smoke/vf_smoke.sh --native starts it.
. /bed/lib.sh

bed_nic_setup
# shellcheck disable=SC2046 # a list of addresses
bed_vf_bind vfio-pci $(vf_addresses "$PF_PCI")
timeout 120 vifd "$PF" 2 "$PEER" >/results/vf_smoke.log 2>&1
check port_facts_status $? "== 0"
cat /results/vf_smoke.log
check native_vfs "$(grep -c 'has VF .*(native)' /results/vf_smoke.log)" ">= 4"
check iommu_faults "$(dmesg | grep -c 'DMAR.*fault')" "== 0"
finish
