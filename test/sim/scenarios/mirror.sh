# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# frames of one guest are seen by another, on whatever path, or stand in a file; no mirror onto itself or in a ring

back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
mac() { xenstore-read "$(back "$1")/mac"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; sleep 1.2; }
no_rule() { xenstore-rm "$(back "$1")/policy/$2"; sleep 1.2; }
told() { xenstore-read "$(back "$1")/policy-error" 2>/dev/null || true; }
# seen_by NAME COMMAND...: echo requests and answers between a and "host" that arrive in NAME meanwhile
seen_by() {
	local name=$1 pid
	shift
	ip netns exec "$(ns "$name")" tcpdump -i eth0 --immediate-mode -U -w "$VIFD_SIM/seen" icmp >>"$SIM_LOGS/tcpdump.log" 2>&1 &
	pid=$!
	sleep 1
	"$@" >/dev/null
	sleep 0.5
	kill $pid
	wait $pid || true
	icmp_in "$VIFD_SIM/seen"
}
icmp_in() { tcpdump -r "$1" -n icmp 2>/dev/null | grep -c "$(guest_ip a)" || true; }

ip link add "vf$SIM_ID" type veth peer name "pf$SIM_ID"
ip link set "vf$SIM_ID" netns "$(ns dom0)" name vf0
ip link set "pf$SIM_ID" netns "$(ns host)" name pf0
in_ns dom0 ip link set vf0 up
in_ns dom0 ethtool -K vf0 gro off tx off >/dev/null
in_ns host ethtool -K pf0 tx off gso off tso off gro off >/dev/null
in_ns host ip link add br0 type bridge
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip link set eth0 master br0
in_ns host ip link set pf0 master br0 up
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set br0 up

mkdir -p "$VIFD_SIM/captures"
vifd_start '[daemon]' 'workers = 1' "run_dir = $VIFD_SIM/run" "capture_dir = $VIFD_SIM/captures" '' \
	'[nic sim]' 'uplink = up0' 'devices = vf0'
for name in a b; do
	guest_create $name
	guest_start $name || die "guest $name did not connect"
done
wait_for 10 "a's VF" sh -c "[ \"\$(xenstore-read $(back a)/path)\" = vf ]" || die "a has no VF"
check lost_before "$(ping_lost a host 5)" "== 0"
check seen_without_mirror "$(seen_by b ping_lost a host 5)" "== 0"
rule a mirror-to "$(mac b)"
check seen_both_ways "$(seen_by b ping_lost a host 5)" "== 10"
rule a mirror tx
check seen_of_tx "$(seen_by b ping_lost a host 5)" "== 5"
rule a mirror rx
check seen_of_rx "$(seen_by b ping_lost a host 5)" "== 5"
rule a mirror-vlan 10
check seen_of_another_vlan "$(seen_by b ping_lost a host 5)" "== 0"
no_rule a mirror-vlan
no_rule a mirror

# refused, and what was in force stays
rule b mirror-to "$(mac b)"
check "onto itself" "$(told b)" "== policy/mirror-to: an interface does not mirror onto itself"
rule b mirror-to "$(mac a)"
check "in a ring" "$(told b)" "== policy/mirror-to: mirrors in a ring"
rule b mirror-to file:../x
check_true "no_path_as_a_name" test -n "$(told b)"
no_rule b mirror-to
check seen_after_refusals "$(seen_by b ping_lost a host 5)" "== 10"

# the watcher goes and comes back
guest_stop b || die "guest b did not end"
check lost_without_watcher "$(ping_lost a host 5)" "== 0"
rm "$SIM_LOGS/guest-b.log"
guest_start b || die "guest b did not come back"
sleep 1.2
check seen_by_who_came_back "$(seen_by b ping_lost a host 5)" "== 10"

rule a mirror-to file:a
check seen_when_it_goes_to_a_file "$(seen_by b ping_lost a host 5)" "== 0"
no_rule a mirror-to
check frames_in_the_file "$(icmp_in "$VIFD_SIM/captures/a.pcapng")" "== 10"
rule a mirror-limit 1
rule a mirror-to file:long
tcp_mbps a host 2 >/dev/null
no_rule a mirror-to
size=$(stat -c %s "$VIFD_SIM/captures/long.pcapng")
check bytes_in_a_file_with_a_limit_of_1_MB "$size" "<= 1000000"
check bytes_in_it_at_least "$size" ">= 900000"
check lost_after "$(ping_lost a host 5)" "== 0"
for name in a b; do
	guest_stop $name && status=0 || status=$?
	check "guest_${name}_grants_in_use" $status "== 0"
	guest_destroy $name
done
vifd_stop && status=0 || status=$?
check vifd_exit_status $status "== 0"
