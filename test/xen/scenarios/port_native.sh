#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports on igb's VFs with DPDK's own driver, without Xen: test/smoke/vf_smoke.sh --native starts it.
# With an IOMMU on plain memory and on hugepages; with BED_DOM0_ARGS=intel_iommu=off on hugepages only.
. /bed/lib.sh

facts()
{
	timeout 120 vifd "$PF" 2 "$PEER" "$2" >"/results/$1.log" 2>&1
	check "$1_status" $? "== 0"
	grep -v '^ok' "/results/$1.log"
	check "$1_native_vfs" "$(grep -c 'has VF .*(native)' "/results/$1.log")" ">= 4"
}

# Each run ends with the removal of the VFs.
vfs_again()
{
	echo "$BED_VFS" >"/sys/bus/pci/devices/$PF_PCI/sriov_numvfs"
	wait_for 30 "link of $PF with new VFs" link_is_up "$PF"
	# shellcheck disable=SC2046 # a list of addresses
	bed_vf_bind vfio-pci $(vf_addresses "$PF_PCI")
}

bed_nic_setup
echo 40 >/proc/sys/vm/nr_hugepages
if [ -n "$(ls /sys/kernel/iommu_groups)" ]; then
	# shellcheck disable=SC2046 # a list of addresses
	bed_vf_bind vfio-pci $(vf_addresses "$PF_PCI")
	facts port_facts auto
	vfs_again
	check hugepages_missing "$(timeout 120 vifd "$PF" 2 "$PEER" hugepages speed 2>&1 |
		grep -c '80 of 96 MiB are free as hugepages')" "== 1"
	echo 48 >/proc/sys/vm/nr_hugepages
	facts hugepages hugepages
	check_true by_iommu grep -q 'hugepages, accessible to devices through an IOMMU' /results/hugepages.log
	check iommu_faults "$(dmesg | grep -c 'DMAR.*fault')" "== 0"
else
	modprobe uio_pci_generic
	echo 48 >/proc/sys/vm/nr_hugepages
	facts hugepages hugepages
	check_true by_physical_address grep -q 'hugepages, accessible to devices by physical' /results/hugepages.log
fi
finish
