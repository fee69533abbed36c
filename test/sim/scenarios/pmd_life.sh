# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A guest's DPDK applications come and go: found by itself, told what changes, killed, released, 16 queues, unplugged
#
#     guest a: the example application, dpdk-testpmd --- vifd

[ -x "$BUILD/frontend/dpdk/xenfront-example" ] || skip "pmd_life: $(make -s guest-dpdk)"
command -v dpdk-testpmd >/dev/null || die "dpdk-testpmd is missing: 'apt-get install dpdk'"
PMD=$SIM_TOP/$BUILD/frontend/dpdk
export RUNTIME_DIRECTORY=$VIFD_SIM/run

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 16' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0'
guest_create a
A=$(domid a)
back=/local/domain/0/backend/vif/$A/0 front=/local/domain/$A/device/vif/0
mkdir -p "$VIFD_SIM/run-a" "$VIFD_SIM/sysfs/vif-0"

# With the guest's devices; its kernel lists one interface, which no driver holds
in_guest=(ip netns exec "$(ns dom0)" env LD_LIBRARY_PATH="$BIN/lib" XENSTORED_PATH="$VIFD_SIM/xs/$A.sock" VIFD_SIM_DOMID="$A"
	RUNTIME_DIRECTORY="$VIFD_SIM/run-a" XENFRONT_SYSFS="$VIFD_SIM/sysfs")
eal='--no-huge -m 64 --no-pci --no-telemetry --file-prefix life'

# example NAME: starts it; its process is $!
example() {
	# shellcheck disable=SC2086 # words
	"${in_guest[@]}" "$PMD/xenfront-example" $eal -l 0 >"$SIM_LOGS/$1.log" 2>&1 &
	wait_for 20 "the example's link" grep -q 'net_xenfront_vif0: link up' "$SIM_LOGS/$1.log"
}
last_block() { tac "$SIM_LOGS/$1.log" | sed '/^net_xenfront_vif0/q'; }
has_no_tso() { last_block "$1" | grep -q 'MULTI_SEGS\|IPV4_CKSUM' && ! last_block "$1" | grep -q TCP_TSO; }
front_is() { [ "$(xenstore-read $front/state)" = "$1" ]; }
back_is() { [ "$(xenstore-read $back/state)" = "$1" ]; }
key() { xenstore-read "$front/$1" 2>/dev/null || echo none; }
check_true() { local name=$1; shift; if "$@"; then check "$name" true true; else check "$name" false true; fi; }

check_true example_finds_its_interface example first
first=$!
check_true example_sends_with_tso grep -q TCP_TSO "$SIM_LOGS/first.log"
check_true example_installs_a_rule grep -q '^rule: UDP port 53 to queue 1' "$SIM_LOGS/first.log"
xenstore-write $back/policy/offload none
check_true example_is_told_of_a_loss wait_for 20 "the loss" has_no_tso first
xenstore-rm $back/policy/offload
"${in_guest[@]}" "$PMD/net_xenfront-release" 0 2>"$SIM_LOGS/release.log" && value=0 || value=$?
check "status of release while it is used" $value "== 1"
check_true release_leaves_it_alone front_is 4

# Whoever comes next takes it, be it an application or, after the release, the kernel
kill -KILL $first
wait $first 2>/dev/null || true
check_true killed_leaves_connected front_is 4
check_true next_application_takes_it example second
second=$!
kill -KILL $second
wait $second 2>/dev/null || true
"${in_guest[@]}" "$PMD/net_xenfront-release" 0 2>>"$SIM_LOGS/release.log" && value=0 || value=$?
check "status of release" $value "== 0"
check_true released_front_end front_is 1
check_true released_back_end wait_for 10 "InitWait" back_is 2
check "released ctrl-ring-ref" "$(key ctrl-ring-ref)" "== none"
check "released queue-0" "$(key queue-0/tx-ring-ref)" "== none"
check "maps of a killed application" "$(stat_of vifd maps)" "== 0"

# testpmd: as many queues as there may be, unplugged while it runs
mkfifo "$VIFD_SIM/testpmd"
# shellcheck disable=SC2086 # words
"${in_guest[@]}" dpdk-testpmd $eal -l 0,1 -d "$PMD/librte_net_xenfront.so" -- -i --total-num-mbufs=8192 --rxq=16 --txq=16 --rxd=64 --txd=64 \
	<"$VIFD_SIM/testpmd" >"$SIM_LOGS/testpmd.log" 2>&1 &
testpmd=$!
exec {to}>"$VIFD_SIM/testpmd"
echo start >&"$to"
check_true sixteen_queues wait_for 30 "Connected" back_is 4
check "queues" "$(key multi-queue-num-queues)" "== 16"
printf '%s\n' stop 'port stop 0' 'port close 0' 'device detach vdev:net_xenfront_vif0' 'show port summary all' quit >&"$to"
exec {to}>&-
wait $testpmd && value=0 || value=$?
check "status of testpmd" $value "== 0"
check_true detached grep -q 'Number of available ports: 0' "$SIM_LOGS/testpmd.log"
check_true detached_front_end front_is 1

check_true example_again example third
third=$!
kill -INT $third
wait $third && value=0 || value=$?
check "status of the example" $value "== 0"
check_true ended_front_end front_is 1
