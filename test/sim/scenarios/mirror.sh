# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# frames of one guest are copied to another guest, on any path, or to a file; no mirror onto itself or in a ring

back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
mac() { xenstore-read "$(back "$1")/mac"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; sleep 1.2; }
no_rule() { xenstore-rm "$(back "$1")/policy/$2"; sleep 1.2; }
error_of() { xenstore-read "$(back "$1")/policy-error" 2>/dev/null || true; }
# seen_by NAME COMMAND...: runs COMMAND; counts a's echo requests and answers that arrive in NAME meanwhile
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
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" "capture_dir = $VIFD_SIM/captures" '' \
	'[nic sim]' 'uplink = up0' 'devices = vf0'
for name in a b; do
	guest_create $name
	guest_start $name || die "guest $name did not connect"
done
wait_for 10 "a's VF" sh -c "[ \"\$(xenstore-read $(back a)/path)\" = vf ]" || die "a has no VF"
check "pings lost before" "$(ping_lost a host 5)" "== 0"
check "frames seen without a mirror" "$(seen_by b ping_lost a host 5)" "== 0"
rule a mirror-to "$(mac b)"
check "frames seen, both ways" "$(seen_by b ping_lost a host 5)" "== 10"
rule a mirror tx
check "frames seen, tx only" "$(seen_by b ping_lost a host 5)" "== 5"
rule a mirror rx
check "frames seen, rx only" "$(seen_by b ping_lost a host 5)" "== 5"
rule a mirror-vlan 10
check "frames seen, another VLAN" "$(seen_by b ping_lost a host 5)" "== 0"
no_rule a mirror-vlan
no_rule a mirror

# refused rules leave the former rule in force
rule b mirror-to "$(mac b)"
check "error of a mirror onto itself" "$(error_of b)" "== policy/mirror-to: an interface cannot mirror to itself"
rule b mirror-to "$(mac a)"
check "error of mirrors form a ring" "$(error_of b)" "== policy/mirror-to: mirrors form a ring"
rule b mirror-to file:../x
check_true "a file name with a path is refused" test -n "$(error_of b)"
no_rule b mirror-to
check "frames seen after the refusals" "$(seen_by b ping_lost a host 5)" "== 10"

# the receiver goes and comes back
guest_stop b || die "guest b did not end"
check "pings lost without the receiver" "$(ping_lost a host 5)" "== 0"
rm "$SIM_LOGS/guest-b.log"
guest_start b || die "guest b did not come back"
sleep 1.2
check "frames seen after it came back" "$(seen_by b ping_lost a host 5)" "== 10"

rule a mirror-to file:a
check "frames seen by a guest with a mirror to a file" "$(seen_by b ping_lost a host 5)" "== 0"
no_rule a mirror-to
check "frames in the file" "$(icmp_in "$VIFD_SIM/captures/a.pcapng")" "== 10"
rule a mirror-limit 1
rule a mirror-to file:long
tcp_mbps a host 2 >/dev/null
no_rule a mirror-to
size=$(stat -c %s "$VIFD_SIM/captures/long.pcapng")
check "bytes in a file with a limit of 1 MB" "$size" "<= 1000000"
check "bytes in it, at least" "$size" ">= 900000"
check "pings lost after" "$(ping_lost a host 5)" "== 0"
for name in a b; do
	guest_stop $name && status=0 || status=$?
	check "grants in use by guest $name" $status "== 0"
	guest_destroy $name
done
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
