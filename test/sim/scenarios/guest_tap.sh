# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A guest's kernel reaches the net through DPDK: testpmd forwards between net_xenfront and net_tap
#
#     guest a: eth0 (net_tap) -- testpmd -- net_xenfront -- vifd -- up0 ---- eth0 10.77.0.1 in "host"

# shellcheck source=test/sim/pmdcheck.sh
. test/sim/pmdcheck.sh
testpmd_can || finish

vifd_start
dpdk_guest
ns_create a
mac=$(xenstore-read "$back/0/mac")

# testpmd ends with a line
mkfifo "$VIFD_SIM/in"
exec {in}<>"$VIFD_SIM/in"
DPDK_NS=a in_testpmd --vdev net_xenfront0,vif=0 --vdev "net_tap0,iface=eth0,mac=$mac" \
	-- --forward-mode=io --auto-start --total-num-mbufs=4096 <&"$in" >"$SIM_LOGS/testpmd.log" 2>&1 &
pid=$!
wait_for 20 "the tap" in_ns a ip link set eth0 up || die "testpmd made no tap: $(tail -n 3 "$SIM_LOGS/testpmd.log")"
in_ns a ip addr add "$(guest_ip a)/24" dev eth0
wait_for 10 "an answer" in_ns a ping -c 1 -W 1 "$(guest_ip host)" || true
check "pings lost" "$(ping_lost a host 50)" "== 0"
check "tcp from the guest's kernel" "$(tcp_mbps a host 2)" "> 10" Mbit/s
check "tcp to the guest's kernel" "$(tcp_mbps host a 2)" "> 10" Mbit/s

ip netns exec "$(ns a)" redis-server --bind "$(guest_ip a)" --protected-mode no --save '' --dir "$VIFD_SIM" >"$SIM_LOGS/redis.log" 2>&1 &
server=$!
redis() { in_ns host timeout 60 "redis-$1" -h "$(guest_ip a)" "${@:2}" 2>>"$SIM_LOGS/redis.log"; }
wait_for 10 "redis" redis cli ping || true
redis benchmark -t set,get -n 5000 -c 20 --csv >"$SIM_LOGS/redis.csv" || true
rate() { sed -n "s/^\"$1\",\"\([0-9]*\).*/\1/p" "$SIM_LOGS/redis.csv"; }
check "redis: SET from the host" "$(rate SET)" "> 100" requests/s
check "redis: GET from the host" "$(rate GET)" "> 100" requests/s
end $server || true

echo >&"$in"
wait $pid && status=0 || status=$?
check "status of testpmd" $status "== 0"
check "maps after testpmd" "$(stat_of vifd maps)" "== 0"
