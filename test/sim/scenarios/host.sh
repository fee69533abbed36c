# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# the host's network devices come late, vanish, come again, get other names and MTUs; guests go on
#
#     guest a, b -- vifd --+-- vf0 (b's) -- pf0 --+-- br0 10.77.0.1 in "host"
#                          +-- up0 ------- eth0 --+

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
key() { xenstore-read "/local/domain/0/backend/vif/$(domid "$1")/0/$2" 2>/dev/null; }
key_is() { [ "$(key "$1" "$2")" = "$3" ]; }
log_says() { grep -q "$1" "$SIM_LOGS/vifd.log"; }
reaches() { [ "$(ping_lost "$1" host 3)" = 0 ]; }

in_ns host ip link add br0 type bridge
in_ns host ip link set br0 address 02:00:00:00:77:01 # and not the lowest of its ports, which come and go
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set br0 up

# --- the uplink -----------------------------------------------------------------------------------

in_ns dom0 ip link del up0
vifd_start
guest_create a
guest_start a || die "guest a did not connect"
check_true "uplink: vifd says that it is not there yet" log_says 'uplink up0 is not there'
check "uplink: carrier while it is not there" "$(key a carrier)" "== 0"
wire up0 eth0
check_true "uplink that comes late: carrier" wait_for 10 "carrier" key_is a carrier 1
check "uplink that comes late: lost pings" "$(ping_lost a host 10)" "== 0"

in_ns dom0 ip link del up0
check_true "uplink that goes: carrier" wait_for 10 "no carrier" key_is a carrier 0
wire up0 eth0
check_true "uplink that comes again: carrier" wait_for 10 "carrier" key_is a carrier 1
check "uplink that comes again: lost pings" "$(ping_lost a host 10)" "== 0"

for _ in 1 2 3 4 5; do
	in_ns dom0 ip link del up0
	wire up0 eth0
done
check_true "uplink made anew five times: the guest reaches the wire" wait_for 15 "ping" reaches a

in_ns dom0 ip link set up0 name lan0
check "uplink with another name: lost pings" "$(ping_lost a host 10)" "== 0"
guest_create b
guest_start b || die "guest b did not connect"
check "uplink with another name: lost pings of a guest that comes then" "$(ping_lost b host 10)" "== 0"
in_ns dom0 ip link set lan0 name up0
guest_stop b
guest_destroy b

timeout 20 "$VIFCTL" set "$(domid a).0" mtu=8000
in_ns a ip link set eth0 mtu 8000
in_ns host ip link set eth0 mtu 9000
in_ns host ip link set br0 mtu 9000
in_ns dom0 ip link set up0 mtu 9000
jumbo() { guest_run a ping -c 2 -i 0.2 -W 2 -M 'do' -s 7900 10.77.0.1 >/dev/null; }
check_true "uplink with a larger MTU: long packets pass" wait_for 10 "long pings" jumbo
in_ns dom0 ip link set up0 mtu 1500
check_true "uplink with the MTU of before: the guest reaches the wire" wait_for 10 "pings" reaches a

for _ in $(seq 20); do
	in_ns host ip link set eth0 down
	in_ns host ip link set eth0 up
done
check_true "wire that flaps: the guest reaches it" wait_for 15 "ping" reaches a
check "wire that flaps: carrier" "$(key a carrier)" "== 1"
guest_stop a || die "guest a did not end"
guest_destroy a
vifd_stop || die "vifd did not end well"

# --- a VF's netdev --------------------------------------------------------------------------------

wire vf0 pf0
in_ns dom0 ip link set vf0 up
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0'
guest_create c
guest_start c || die "guest c did not connect"
check_true "VF: guest c has it" wait_for 15 "c on a VF" key_is c path vf
in_ns dom0 ip addr add "$(guest_ip c)/24" dev vf0
guest_run host ip neigh flush all
wait_for 10 "a ping" ping_lost host c 1 || true
check "VF with dom0's own address: lost pings" "$(ping_lost host c 10)" "== 0"
dom0_answers() { guest_run host ping -c 1 -W 1 10.77.0.200; }
duplicates() { guest_run host ping -c 10 -i 0.1 -W 1 "$(guest_ip c)" | grep -c 'DUP!' || true; }
check "VF with dom0's own address: answers of dom0's stack" "$(duplicates)" "== 0"
tcp=$(tcp_mbps host c 1)
check "VF with dom0's own address: TCP to the guest" "$tcp" "> 1" Mbit/s
timeout 20 "$VIFCTL" move "$(domid c).0" software
in_ns dom0 ip addr del "$(guest_ip c)/24" dev vf0
in_ns dom0 ip addr add 10.77.0.200/24 dev vf0
check_true "VF given back: dom0's stack has it again" wait_for 30 "an answer of dom0" dom0_answers
in_ns dom0 ip addr del 10.77.0.200/24 dev vf0
guest_stop c || die "guest c did not end"
guest_destroy c
vifd_stop || die "vifd did not end well"

for dev in eth0 pf0 br0; do in_ns host ip link set $dev mtu 9000; done
in_ns dom0 ip link set up0 mtu 9000
vifd_start
guest_create d
guest_start d || die "guest d did not connect"
check_true "VF: guest d has it" wait_for 15 "d on a VF" key_is d path vf
timeout 20 "$VIFCTL" set "$(domid d).0" mtu=8000
in_ns d ip link set eth0 mtu 8000
jumbo_vf() { guest_run d ping -c 2 -i 0.2 -W 2 -M 'do' -s 7900 10.77.0.1 >/dev/null; }
check_true "VF whose netdev has a smaller MTU than the wire: long packets pass" wait_for 10 "long pings" jumbo_vf
for dev in eth0 pf0 br0; do in_ns host ip link set $dev mtu 8500; done
in_ns dom0 ip link set up0 mtu 8500
vf_has() { [ "$(in_ns dom0 cat /sys/class/net/vf0/mtu)" = "$1" ] && key_is d path vf; }
check_true "VF: its MTU follows the wire's" wait_for 20 "d on a VF of mtu 8500" vf_has 8500
check_true "VF that followed the wire's MTU: long packets pass" wait_for 10 "long pings" jumbo_vf
vifd_kill
vifd_start
check_true "VF after a kill: guest d has it" wait_for 15 "d on a VF" vf_has 8500
guest_stop d || die "guest d did not end"
guest_destroy d
vifd_stop || die "vifd did not end well"
check "VF given back after a kill: its MTU" "$(in_ns dom0 cat /sys/class/net/vf0/mtu)" "== 1500"
