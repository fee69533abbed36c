# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# a flow rule of a DPDK application is enforced by the NIC of its VF, and by vifd alone after a move; both are counted
#
#     guest a: testpmd   port 0 (vif 0) ---- the switch -- up0 ---------------- eth0  --+-- br0 in "host"
#                        port 1 (vif 1) ---- a NIC with rules (test/sim/nic) -- wire0 --+

# shellcheck source=test/sim/pmdcheck.sh
. test/sim/pmdcheck.sh
testpmd_can || finish
export NIC_STATE=$VIFD_SIM/nic
VIFCTL=$SIM_TOP/$BUILD/vifctl
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
# frames that the NIC's rules dropped, and those that vifd says flow rules dropped
nic_dropped() { od -A n -t u8 -w32 "$NIC_STATE" | awk '{ print $3 }'; }
drops() { ctl --json show "$A.1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"].get("rx_drop_flow", 0))'; }
enforced_by() { ctl flows "$A.1" | grep -q " $1 .*eth src $peer: drop"; }
path_is() { [ "$(xenstore-read "$back/1/path")" = "$1" ]; }
drops_are() { [ "$(drops)" = "$1" ]; }
drops_beyond() { [ "$(drops)" -gt "$1" ]; }
nic_drops() { [ "$(nic_dropped)" -gt 100 ]; }

in_ns host ip link add br0 type bridge mcast_snooping 0
in_ns host ip link set eth0 master br0
in_ns host ip link set br0 up
wire nic0 wire0
in_ns dom0 ip link set nic0 up
SIM_VIFD_WRAP="env LD_PRELOAD=$BIN/lib/libflownic.so FLOWNIC_WIRE=nic0 FLOWNIC_STATE=$NIC_STATE"
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'vdev = net_null,no-rx=1'
dpdk_guest
xenstore-write "$back/0/policy/vf" never
peer=$(xenstore-read "$back/0/mac")

# testpmd ends with a line
mkfifo "$VIFD_SIM/in"
exec {in}<>"$VIFD_SIM/in"
in_testpmd --vdev net_xenfront0,vif=0 --vdev net_xenfront1,vif=1 -- -i --total-num-mbufs=4096 \
	--eth-peer="0,$(xenstore-read "$back/1/mac")" <"$VIFD_SIM/in" >"$SIM_LOGS/testpmd.log" 2>&1 &
testpmd=$!
check_true "port 1 is on a device of its own" wait_for 20 "a device for vif 1" path_is vf
echo "flow create 1 ingress pattern eth src is $peer / end actions drop / end" >&"$in"
check_true "its rule is the NIC's" wait_for 10 "a rule in the NIC" enforced_by vf
printf '%s\n' "set fwd txonly" start >&"$in"
check_true "the NIC drops" wait_for 10 "frames that the NIC drops" nic_drops
echo stop >&"$in"
sleep 2
dropped=$(nic_dropped)
check_true "what the NIC has dropped is counted" wait_for 5 "rx_drop_flow" drops_are "$dropped"
check "frames that port 1 received" "$(ctl --json show "$A.1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"].get("rx_packets", 0))')" "== 0" frames

ctl move "$A.1" software >/dev/null
check_true "vifd enforces it after a move" wait_for 10 "a rule in software" enforced_by software
check "counted once" "$(drops)" "== $dropped" frames
echo start >&"$in"
check_true "vifd drops" wait_for 10 "frames that vifd drops" drops_beyond $((dropped + 100))
check "frames that the NIC dropped since" $(($(nic_dropped) - dropped)) "== 0" frames
printf '%s\n' stop quit >&"$in"
wait $testpmd || true
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
results_write "$SIM_RESULT"
