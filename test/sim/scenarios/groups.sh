# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# multicast groups are asked of the NIC: those that a guest reports, names by multicast control or sends to
#
#     guests a, b -- vifd --+-- vf0 (a device in place of a VF) ------ pvf0 in "host"
#                           +-- the switch -- up0 -------------------- eth0 in "host"
#
# A veth delivers every group; what vifd asked it for is in /proc/net/dev_mcast.

export RUNTIME_DIRECTORY=$VIFD_SIM/run
device() {
	ip link add "$1$SIM_ID" type veth peer name "p$1$SIM_ID"
	ip link set "$1$SIM_ID" netns "$(ns dom0)" name "$1"
	ip link set "p$1$SIM_ID" netns "$(ns host)" name "p$1"
	in_ns dom0 ip link set "$1" up
	in_ns dom0 ethtool -K "$1" gro off tx off >/dev/null
	in_ns host ip link set "p$1" up
}
ipv6_on() {
	in_ns "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0
	in_ns "$1" ip -6 addr add "$2/64" dev eth0 nodad
}
# is_joined DEVICE GROUP, GROUP as 12 digits
is_joined() { in_ns dom0 awk -v dev="$1" -v group="$2" '$2 == dev && $5 == group { found = 1 } END { exit !found }' /proc/net/dev_mcast; }
joins() { wait_for 10 "$2 at $1" is_joined "$1" "$2"; }
path_is() { [ "$(xenstore-read "/local/domain/0/backend/vif/$(domid "$1")/0/path")" = "$2" ]; }
is_connected() { [ "$(state_of "$(domid "$1")")" = 4 ] && path_is "$1" "$2"; }
listens() { grep -q listening "$VIFD_SIM/listening-$1"; }
# listen GUEST GROUP...: until the end of the scenario
listen() {
	ip netns exec "$(ns "$1")" python3 "$SIM_TOP/test/sim/groups.py" listen "${@:2}" >"$VIFD_SIM/listening-$1" &
	wait_for 10 "the listener in $1" listens "$1"
}
# sends GUEST MAC: one frame of LLC from the guest to the group
sends() {
	in_ns "$1" python3 -c "import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
mac = bytes.fromhex(open('/sys/class/net/eth0/address').read().strip().replace(':', ''))
s.send(bytes.fromhex(sys.argv[1]) + mac + (60).to_bytes(2, 'big') + b'\xfe\xfe\x03' + bytes(57))" "$2"
}
# again [forget]: another vifd; with "forget" one that knows nothing of the guests, as after a migration
again() {
	vifd_kill
	[ $# = 0 ] || rm "$VIFD_SIM"/run/vif-*
	in_ns dom0 sh -c "! grep -q 01005e090909 /proc/net/dev_mcast" || say "a group is still joined"
	vifd_start
	wait_for 20 "a on its device" is_connected a vf || true
	wait_for 10 "b in software" is_connected b software || true
}

device vf0
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0'
guest_create a
guest_start a || die "guest a did not connect"
wait_for 10 "a on its device" is_connected a vf || true
guest_create b
guest_start b --mcast || die "guest b did not connect"
ipv6_on a fd77::a:0101
ipv6_on b fd77::b:0202
listen a 239.9.9.9 ff05::9999
listen b 239.9.9.10

check_true "a group of IGMP is joined at the device" joins vf0 01005e090909
check_true "a group of MLD is joined at the device" joins vf0 333300009999
check_true "the group of a static address is joined at the device" joins vf0 3333ff0a0101
check_true "a group of multicast control is joined at the uplink" joins up0 01005e09090a
check_true "the group of a static address is joined at the uplink" joins up0 3333ff0b0202
sends a 0180c2000014
check_true "a group that the guest sends to is joined" joins vf0 0180c2000014
again
check_true "restart: groups are joined again at the device" joins vf0 01005e090909
check_true "restart: those of static addresses too" joins vf0 3333ff0a0101
check_true "restart: those without reports too" joins vf0 0180c2000014
check_true "restart: and those of multicast control" joins up0 01005e09090a
mld() { in_ns a awk -v key="Icmp6$1" '$1 == key { print $2 }' /proc/net/snmp6; }
queries=$(mld InGroupMembQueries)
again forget
check_true "migration: the guest reports its groups of IGMP" joins vf0 01005e090909
check_true "migration: its groups of MLD are joined" joins vf0 333300009999
check "migration: it was asked by MLD" $(($(mld InGroupMembQueries) - queries)) "== 1"
check "migration: and found the query right" "$(mld InErrors)" "== 0"
guest_stop a || die "guest a did not end"
guest_stop b || die "guest b did not end"
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
