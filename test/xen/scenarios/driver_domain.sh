# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# vifd in a PV driver domain: guests on native VFs and in software; the domain dies and another one takes over.
#
#     g1, g2 --- VF each ---------------+-- igb --- wire --- 10.0.2.9, which answers pings
#     g3 ------- switch -- VF, trusted -+    |
#       (all of them in domain "net")        PF: dom0's
#
# Needs --iommu --vfs 3.
# wants driver_domain
. /bed/lib.sh
. /bed/scenarios/driver_domain_lib

DOM0_IP=10.0.2.8

connected()
{
	local n nr=0

	for n in 1 2 3; do
		! vif_state_is g$n 4 || nr=$((nr + 1))
	done
	echo $nr
}

# dom0 sends and receives by the PF meanwhile.
restarted()
{
	local n since=$SECONDS pings back=0

	pingcheck -c 3000 -i 100 "$PEER" >/run/pings 2>&1 &
	pings=$!
	sleep 1
	timeout 90 xl destroy net 2>&1 | tail -n 3
	say "xl destroy net: $((SECONDS - since)) s"
	for n in 1 2 3; do
		check_true "restart_g${n}_lives" guest_run g$n true
	done
	xl list
	net_boot
	net_serve_natively
	reattached 1 2 3
	on_vfs 1 2
	for n in 1 2 3; do
		[ "$(wire_lost $n)" != 0 ] || back=$((back + 1))
	done
	check driver_domain_restart_guests_back "$([ $back = 3 ] && echo true || echo false)" true
	kill -TERM $pings
	wait $pings
	tail -n 1 /run/pings
	check restart_dom0_lost "$(sed -n 's/.* lost \([0-9]*\).*/\1/p' /run/pings)" "== 0" frames
}

bed_nic_setup
ip addr add $DOM0_IP/24 dev "$PF"
net_vfs_prepare
bed_make_room 150
net_boot
net_serve_natively
check_true serves_its_own_domain net_says "serving domain $BACKEND.s vifs"
in_net 'grep -E "zero copy|memory" /run/vifd.log'
guests_start 1 2 3
on_vfs 1 2
check driver_domain_guests "$(connected)" ">= 3"
check driver_domain_path "$(vif_key g1 path)" "== vf"
check driver_domain_native "$(net_says 'has VF .*\(native\)' && echo true || echo false)" true
check_true native_zero_copy net_says 'zero copy is on'
check wire_ping_lost "$(wire_lost 1 2 3)" "== 0"
check guest_ping_lost "$(pair_lost "1 2" "3 2")" "== 0"
restarted
for n in 1 2 3; do xl destroy g$n; done
sleep 2
check zombies "$(zombies net)" "== 0"
in_net 'cat /run/vifd.log' >/results/net-vifd.txt
finish
