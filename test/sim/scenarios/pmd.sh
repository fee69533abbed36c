# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# DPDK in a guest: every feature of net_xenfront, between two vifs of one guest; results: guest-dpdk.json
#
#     guest: pmdcheck   port 0 (vif 0) ---- vifd ---- port 1 (vif 1)

# shellcheck source=test/sim/pmdcheck.sh
. test/sim/pmdcheck.sh

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 4' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0'

# What only the host can do
act() {
	case $1 in
		link-off) xenstore-write $back/1/policy/link off ;;
		link-auto) xenstore-rm $back/1/policy/link ;;
		offload-none) xenstore-write $back/1/policy/offload none ;;
		offload-all) xenstore-rm $back/1/policy/offload ;;
		allow) xenstore-write $back/1/policy/guest-mac 1 $back/1/policy/guest-promiscuous 1 ;;
		kill-vifd) vifd_kill; vifd_start ;;
		close) back_end_closes 1 ;;
		detach) simctl vif-del "$group" 1 ;;
		*) false ;;
	esac
}

# A guest for each group: what a group costs is charged to its guest, and one that costs much has to wait
for group in ${PMD_GROUPS:-frames control events}; do
	dpdk_guest "$group"
	for n in 0 1; do xenstore-write "$back/$n/policy/mtu" 9000; done
	pmdcheck "$group"
done
check ethdev_features $features ">= 25"
results_write "$SIM_RESULT"
test/xen/result_into "$BUILD/results/$SIM_RESULT.json" "$BUILD/results/guest-dpdk.json" \
	ethdev_features zero_copy_rx_frames zero_copy_tx_frames
