# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# vifd in a PV driver domain: guests on native VFs and in software; the domain dies and another one takes over; it routes.
#
#     g1, g2 --- VF each ---------------+-- igb --- wire --- 10.0.2.9, which answers pings
#     g3 ------- switch -- VF, trusted -+    |
#       (all of them in domain "net")        PF: dom0's
#     g4 ------- xen-netback in dom0 --- xenbr0, 10.0.3.1
#
# At the end "net" routes: g1, g2 --- vifd --- veth pair --- net's kernel --- its VF.
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

# pings_lost LINE: of the last one that pingcheck has written
pings_lost() { awk '/^sent/ { print $6 + $8 + $10; seen = 1 } END { if (!seen) print "unknown" }' <<<"$1"; }

netback_guest()
{
	bed_host_bridge
	modprobe xen-netback
	guest_start g4 "$(mac_of 4)" script=vif-bridge,bridge=xenbr0 || die "g4 did not start"
	on_host_bridge g4 eth0 14
	guest_run g4 'pingcheck -c 6000 -i 100 10.0.3.1 >/tmp/pings 2>&1 &'
}

# dom0 sends and receives by the PF meanwhile, and g4 by dom0's xen-netback.
restarted()
{
	local n since=$SECONDS pings back=0 text

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
	text=$(guest_run g4 'killall -TERM pingcheck; sleep 1; tail -n 1 /tmp/pings')
	say "g4: $text"
	check restart_netback_guest_sent "$(awk '/^sent/ { print $2 }' <<<"$text")" ">= 100" frames
	check restart_netback_guest_lost "$(pings_lost "$text")" "== 0" frames
}

# routed_guest N: attaches the interface of gN, which has 10.137.0.1N and a default route by the net VM
routed_guest()
{
	xl network-attach g"$1" mac="$(mac_of "$1")" backend=net script=vif-vifd ip=10.137.0.1"$1" gatewaydev=guests0
	wait_for 30 "g$1 connected" vif_state_is g"$1" 4
	guest_run g"$1" "ip address flush dev eth0; ip link set eth0 up; ip address add 10.137.0.1$1/32 dev eth0
		ip route replace 10.137.0.1 dev eth0; ip route replace default via 10.137.0.1"
}

# As doc/driver-domain.md says of Qubes OS. No frame passes from guest to guest but by the domain's kernel.
# /usr/bin/ip is iproute2's; its shell's own one makes no pair.
routed()
{
	local n

	xl destroy g3
	for n in 1 2; do xl network-detach g$n 0; done
	in_net 'killall vifd; sleep 3; ls /sys/class/net
		modprobe veth; /usr/bin/ip link add guests0 type veth peer name vifd0
		ip address add 10.137.0.1/32 dev guests0; ip link set guests0 up; ip link set vifd0 up; ethtool -K guests0 tx off >/dev/null
		cd /proc/sys/net/ipv4; echo 1 >ip_forward; echo 1 >conf/guests0/proxy_arp
		ip address add 10.0.2.50/24 dev eth2; ip link set eth2 up'
	net_serve '[nic lan]' 'uplink = vifd0' '[policy]' 'isolated = 1'
	for n in 1 2; do routed_guest $n; done
	in_net 'ip route'
	check routed_net_vm_ping_lost "$(ping_lost g1 10.137.0.1 10)" "== 0"
	check routed_wire_ping_lost "$(ping_lost g1 "$PEER" 10)" "== 0"
	check routed_guest_ping_lost "$(ping_lost g1 10.137.0.12 10)" "== 0"
	guest_run g1 'ip address add 10.137.0.19/32 dev eth0; ip route replace default via 10.137.0.1 src 10.137.0.19'
	check routed_spoofed_ping_lost "$(ping_lost g1 "$PEER" 5)" "== 5"
	xl network-detach g1 0
	check routed_routes_left "$(guest_run net 'ip route' | grep -c 'dev guests0')" "== 1"
}

bed_nic_setup
ip addr add $DOM0_IP/24 dev "$PF"
net_vfs_prepare
bed_make_room 250
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
netback_guest
restarted
routed
for n in 1 2 4; do xl destroy g$n; done
sleep 2
check zombies "$(zombies net)" "== 0"
in_net 'cat /run/vifd.log' >/results/net-vifd.txt
finish
