# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rte_flow in a guest: rules of net_xenfront, as pmdcheck and testpmd set them; results: guest-dpdk.json
#
#     guest a: pmdcheck   port 0 (vif 0) ---- vf0, vf1, or the switch ---- port 1 (vif 1): the rules' port

# shellcheck source=test/sim/pmdcheck.sh
. test/sim/pmdcheck.sh
VIFCTL=$SIM_TOP/$BUILD/vifctl

# device NAME: a wire to the host's bridge, for one vif
device() {
	wire "$1" "p$1"
	in_ns dom0 ip link set "$1" up mtu 1500
}

in_ns host ip link add br0 type bridge mcast_snooping 0
in_ns host ip link set eth0 master br0
in_ns host ip link set br0 up
device vf0
device vf1
vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 4' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0 vf1'
dpdk_guest

move() { timeout 20 "$VIFCTL" move "$A.1" "$1" >>"$SIM_LOGS/vifctl.log" 2>&1; }

# What only the host can do
act() {
	case $1 in
		kill-vifd) vifd_kill; vifd_start ;;
		kill-vifd-and-state) vifd_kill; rm -f "$VIFD_SIM"/run/vif-*; vifd_start ;;
		close) back_end_closes 1 ;;
		move-software) move software ;;
		move-vf) move vf ;;
		vlan-10) xenstore-write "$back/1/policy/vlan-filter" 10 ;;
		vlan-all) xenstore-rm "$back/1/policy/vlan-filter" ;;
		flows-none) xenstore-write "$back/1/policy/flows" 0 ;;
		flows-some) xenstore-rm "$back/1/policy/flows" ;;
		*) false ;;
	esac
}

pmdcheck flows
check flow_features $features ">= 60"

# An application that knows nothing of the driver: port 1 counts and drops what port 0 sends
said() { check_true "testpmd: $1" grep -qE "$2" "$SIM_LOGS/testpmd.log"; }
counted() { grep -q ' hits: [1-9]' "$SIM_LOGS/testpmd.log"; }
commands() {
	local udp="ingress pattern eth / ipv4 / udp dst is 9 / end actions"
	printf '%s\n' "flow validate 1 $udp queue index 1 / end" "flow validate 1 group 1 $udp drop / end" \
		"flow create 1 $udp count / drop / end" "flow list 1" "set fwd txonly" start
	for _ in {1..100}; do
		echo "flow query 1 0 count"
		sleep 0.2
		! counted || break
	done
	printf '%s\n' stop "flow isolate 1 1" "flow isolate 1 0" "flow destroy 1 rule 0" quit
}

if testpmd_can; then
	commands | in_testpmd --vdev net_xenfront0,vif=0 --vdev net_xenfront1,vif=1 -- -i --rxq=2 --txq=2 --total-num-mbufs=4096 \
		--eth-peer="0,$(xenstore-read "$back/1/mac")" >"$SIM_LOGS/testpmd.log" 2>&1 || say "testpmd failed"
	said "a rule is validated" 'Flow rule validated'
	said "why another is refused" 'group field.*there is only group 0'
	said "a rule is created" 'Flow rule #0 created'
	said "it is listed" 'ETH IPV4 UDP => COUNT DROP'
	check_true "testpmd: it counts" counted
	said "the port is isolated" 'port 1 is now restricted to the defined flow rules'
	said "and no longer" 'port 1 is not restricted'
	said "a rule is destroyed" 'Flow rule #0 destroyed'
fi
results_write "$SIM_RESULT"
test/xen/result_into "$BUILD/results/$SIM_RESULT.json" "$BUILD/results/guest-dpdk.json" \
	flow_features flows_survive_restart flows_survive_move
