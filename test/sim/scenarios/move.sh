# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# a guest moves between a device of its own and the software path and back, under traffic
#
#     guest a -- vifd --+-- vf0 (a device of its own, in place of a VF) --- pf0 --+-- br0 10.77.0.1 in "host"
#                       +-- the switch -- up0 ---------------------------- eth0 --+

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
PINGS=4000 # one each 2 ms
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
path() { xenstore-read "/local/domain/0/backend/vif/$A/0/path"; }
path_is() { [ "$(path)" = "$1" ]; }
record_says() { xenstore-read "/local/domain/0/backend/vif/$A/0/capability" | grep -q "path=$1 "; }
generation() { xenstore-read "/local/domain/0/backend/vif/$A/0/capability" | sed -n 's/.*generation=\([0-9]*\).*/\1/p'; }
seconds_of() { sed -n 's/.*"seconds": *\([0-9.]*\).*/\1/p'; }

second_wire() {
	ip link add "vf$SIM_ID" type veth peer name "pf$SIM_ID"
	ip link set "vf$SIM_ID" netns "$(ns dom0)" name vf0
	ip link set "pf$SIM_ID" netns "$(ns host)" name pf0
	in_ns dom0 ip link set vf0 up mtu 1500
	in_ns dom0 ethtool -K vf0 gro off tx off >/dev/null
	in_ns host ethtool -K pf0 tx off gso off tso off gro off >/dev/null
	in_ns host ip link add br0 type bridge
	in_ns host ip addr del 10.77.0.1/24 dev eth0
	in_ns host ip link set eth0 master br0
	in_ns host ip link set pf0 master br0 up
	in_ns host ip addr add 10.77.0.1/24 dev br0
	in_ns host ip link set br0 up
}

# Answers that are missing, and those that came twice
pinged() {
	awk '/transmitted/ { for (i = 1; i < NF; i++) { if ($(i + 1) ~ /^packets/) sent = $i
		if ($(i + 1) ~ /^received/) got = $i
		if ($(i + 1) ~ /^duplicates/) twice = substr($i, 2) } print sent - got, twice + 0 }' "$VIFD_SIM/pings"
}

second_wire
vifd_start '[daemon]' 'workers = 1' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0'
guest_create a
guest_start a || die "guest a did not connect"
A=$(domid a)
wait_for 10 "a device of its own" path_is vf || die "a has no device of its own"
wait_for 10 "its record" record_says vf || true
before=$(generation)
check "pings lost on the device" "$(ping_lost a host 50)" "== 0"

guest_run a ping -n -q -i 0.002 -s 600 -W 1 -c $PINGS "$(guest_ip host)" >"$VIFD_SIM/pings" 2>&1 &
pings=$!
tcp_mbps a host 7 -b 50M >"$VIFD_SIM/tcp" &
tcp=$!
sleep 1
check "seconds to software" "$(ctl --json move "$A.0" software | seconds_of)" "< 3" s
check_true "is_on_software" path_is software
check_true "record_follows" wait_for 5 "the record" record_says software
sleep 1
check "seconds to the device" "$(ctl --json move "$A.0" vf | seconds_of)" "< 3" s
check_true "is_on_the_device" path_is vf
check_true "record_follows_back" wait_for 5 "the record" record_says vf
check "generations" "$(($(generation) - before))" "== 2"
ctl --json show "$A.0" >"$SIM_LOGS/show.json"
wait $pings || true
wait $tcp
read -r lost twice < <(pinged)
check "pings lost" "$lost" "== 0"
timed "pings answered twice" "$twice" "== 0"
check "tcp under it" "$(cat "$VIFD_SIM/tcp")" "> 20" Mbit/s

# there and back again, ten times, quickly: still whole, and told at most once a second
before=$(generation)
start=$SECONDS
for _ in 1 2 3 4 5; do
	ctl move "$A.0" software >/dev/null
	ctl move "$A.0" vf >/dev/null
done
check "generations of ten moves" "$(($(generation) - before))" "<= $((SECONDS - start + 1))"
check "pings lost after them" "$(ping_lost a host 50)" "== 0"
guest_stop a && status=0 || status=$?
check "guest_a_grants_in_use" $status "== 0"
guest_destroy a
check_true "vifd_lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd_exit_status" $status "== 0"
