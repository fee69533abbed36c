# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# path=kernel: a guest's frames go by a netdev of dom0, which is a port of dom0's bridge or has routes
#
#     guest a -- vifd -- vifN.0 -- br0 10.77.0.254 -- up1 --+
#                  |                                        +-- br0 10.77.0.1 in "host"
#                  +-- the switch -- up0 -------------------+

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
guest_ip() {
	case $1 in
		dom0) echo 10.77.0.254 ;;
		host) echo 10.77.0.1 ;;
		*) echo "10.77.0.$((9 + guest_number[$1]))" ;;
	esac
}
# The hotplug script runs in dom0
simctl() { in_ns dom0 "$BIN/simctl" "$@"; }
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
key() { xenstore-read "$(back "$1")/$2" 2>/dev/null; }
key_is() { [ "$(key "$1" "$2")" = "$3" ]; }
netdev() { echo "vif$(domid "$1").0"; }
has() { in_ns dom0 ip link show dev "$1" >/dev/null 2>&1; }
has_not() { ! has "$1"; }
is_port() { in_ns dom0 ip link show dev "$1" 2>/dev/null | grep -q 'master br0'; }
counter() { in_ns dom0 cat "/sys/class/net/$1/statistics/$2"; }
log_says() { grep -q "$1" "$SIM_LOGS/vifd.log"; }
is_not() { ! "$@"; }
# Processors on which the workers may run, one line each
processors() {
	local status

	for status in /proc/"$vifd_pid"/task/*/status; do
		! grep -q '^Name:.vifd-worker' "$status" || sed -n 's/^Cpus_allowed_list:\t*//p' "$status"
	done
}
answers() { [ "$(ping_lost "$1" "$2" 1)" = 0 ]; }

for where in dom0 host; do
	in_ns $where ip link add br0 type bridge
	in_ns $where ip link set br0 up
done
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set eth0 master br0
in_ns dom0 ip addr add 10.77.0.254/24 dev br0
wire up1 eth1
in_ns dom0 ip link set up1 master br0 up

# --- a port of dom0's bridge ------------------------------------------------------------------------
mkdir -p "$VIFD_SIM/policy"
vifd_start '[daemon]' 'log_level = debug' 'power = on' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" "policy_dir = $VIFD_SIM/policy" \
	'' '[policy]' 'path = kernel' '' '[nic sim]' 'uplink = up0'
check_true "power = on: vifd says that nobody scales frequencies here" log_says 'neither Linux nor Xen scales it'
check "power = on: workers that may run on several processors" "$(processors | grep -c '[-,]')" "== 0"
check "power = on: workers with a processor" "$(processors | wc -l)" "== $SIM_WORKERS"
guest_create a bridge=br0
A=$(netdev a)
check_true "the hotplug script makes the netdev a port of the bridge" is_port "$A"
guest_start a || die "guest a did not connect"
check_true "path in xenstore" wait_for 5 "path" key_is a path kernel
wait_for 10 "the bridge" answers dom0 a || true
check "dom0_to_guest_ping_lost" "$(ping_lost dom0 a 200)" "== 0"
check "pings lost from the guest to dom0" "$(ping_lost a dom0 50)" "== 0"
check "pings lost from the guest to the wire behind the bridge" "$(ping_lost a host 50)" "== 0"
in_ns dom0 tcpdump -Z root -i "$A" -n -l icmp >"$VIFD_SIM/dump" 2>"$VIFD_SIM/dump.err" &
dump=$!
wait_for 10 "tcpdump" grep -q listening "$VIFD_SIM/dump.err"
ping_lost a dom0 20 >/dev/null
sleep 0.5
kill $dump
check "frames that tcpdump sees, both directions" "$(grep -c 'echo re' "$VIFD_SIM/dump")" "== 40"
for side in rx tx; do
	mine=$(counter "$A" ${side}_packets)
	other=$([ $side = rx ] && echo tx || echo rx)
	theirs=$(ctl --json show "$(domid a).0" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"][sys.argv[1]])' "${other}_packets")
	check "$side: the netdev's count against the guest's" "$((mine - theirs))" "<= 2"
done

# TCP: what either side leaves undone stays so, in frames longer than the MTU
figure "ovs_or_bridge_tcp" "$(tcp_mbps a dom0 3)" "> 0" Mbit/s
packets=$(counter "$A" tx_packets) bytes=$(counter "$A" tx_bytes)
figure "TCP from dom0" "$(tcp_mbps dom0 a 3)" "> 0" Mbit/s
check "mean bytes of dom0's frames" $((($(counter "$A" tx_bytes) - bytes) / ($(counter "$A" tx_packets) - packets))) "> 2000"
in_ns a ethtool -K eth0 gso off tso off tx off >/dev/null 2>&1 || true
figure "TCP without the guest's offloads" "$(tcp_mbps a dom0 1)" "> 0" Mbit/s
check "errors" "$(ctl --json show "$(domid a).0" | python3 -c 'import json, sys; p = json.load(sys.stdin)["port"]; print(p["tx_errors"] + p["rx_missed"])')" "== 0"

# --- the netdev's own state --------------------------------------------------------------------------
in_ns dom0 ip link set "$A" down
check_true "set down: the guest has no carrier" wait_for 5 "no carrier" key_is a carrier 0
in_ns dom0 ip link set "$A" up
check_true "set up: it has" wait_for 5 "carrier" key_is a carrier 1
check "pings lost afterwards" "$(ping_lost a dom0 10)" "== 0"
ctl set "$(domid a).0" mtu=1400
mtu_is() { [ "$(in_ns dom0 cat "/sys/class/net/$A/mtu")" = "$1" ]; }
check_true "the rule mtu is the netdev's" wait_for 5 "mtu" mtu_is 1400
ctl set "$(domid a).0" mtu
ctl set "$(domid a).0" anti-spoof=1
in_ns a ip link set eth0 address 02:00:00:00:00:99
check_true "policy holds: another address gets no answer" is_not answers a dom0
check_true "a VF cannot be required along with it" is_not ctl set "$(domid a).0" vf=require
check_true "nor can the admin move it to one" is_not ctl move "$(domid a).0" vf
in_ns a ip link set eth0 address "$(key a mac)"
in_ns dom0 ip link del "$A"
check_true "removed by somebody: it is made again" wait_for 10 "$A" has "$A"
in_ns dom0 ip link set "$A" master br0
check_true "and carries frames" wait_for 10 "an answer" answers a dom0

# --- from and to the switch, under traffic ------------------------------------------------------------
in_ns a "$BIN/pingcheck" -c 300 -i 20 10.77.0.1 >"$VIFD_SIM/moves" 2>&1 &
pings=$!
sleep 1
ctl set "$(domid a).0" path=auto
check_true "without the rule it moves to the switch" wait_for 5 "path" key_is a path software
check_true "and its netdev goes" wait_for 5 "the netdev's end" has_not "$A"
sleep 1
ctl set "$(domid a).0" path
check_true "with the rule it moves back" wait_for 5 "path" key_is a path kernel
in_ns dom0 ip link set "$A" master br0
wait $pings || true # some were lost while it was no port of the bridge
check_true "pings go on" wait_for 10 "an answer" answers a host

# --- vifd ends, and another goes on -------------------------------------------------------------------
guest_create b bridge=br0
B=$(netdev b)
guest_start b || die "guest b did not connect"
back_b=$(back b)
vifd_kill
check_true "a netdev outlives vifd" is_port "$A"
# shellcheck disable=SC2154 # lib.sh sets it
kill -KILL "${guest_pid[b]}"
unset "guest_pid[b]"
xenstore-rm "${back_b%/*}"
check_true "also that of a guest that goes" has "$B"
vifd_start
wait_for 10 "path" key_is a path kernel || true
check_true "it is still in the bridge" is_port "$A"
check_true "and carries frames again" wait_for 10 "an answer" answers a dom0
check "pings lost after the restart" "$(ping_lost a dom0 50)" "== 0"
check_true "that of the guest that went is removed" wait_for 5 "the netdev's end" has_not "$B"

# --- names, and routes instead of a bridge --------------------------------------------------------------
in_ns dom0 ip link add taken type bridge
guest_create c bridge=br1 ip=10.77.0.12 vifname=taken
check_true "a name that is taken is told" wait_for 5 "a line" log_says 'no netdev taken: another network device has this name'
check_true "another's netdev is left alone" has taken
in_ns dom0 ip link del taken
check_true "once it is free, the netdev comes" wait_for 5 "netdev" has taken
guest_create d bridge=br1 ip=10.77.0.13 vifname=routed
guest_start d || die "guest d did not connect"
check_true "the hotplug script adds a route" sh -c "ip netns exec $(ns dom0) ip route show dev routed | grep -q 10.77.0.13"
in_ns d ip addr flush dev eth0
in_ns d ip addr add 10.77.0.13/32 dev eth0
in_ns d ip route add 10.77.0.254 dev eth0
in_ns d ip route add default via 10.77.0.254
check "pings lost by the route" "$(ping_lost dom0 d 50)" "== 0"
guest_stop d
guest_destroy d
check_true "its netdev goes with it" wait_for 5 "the netdev's end" has_not routed
guest_stop a
guest_destroy a
check_true "so does the other" wait_for 5 "the netdev's end" has_not "$A"
