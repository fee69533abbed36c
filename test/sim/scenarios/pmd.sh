# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# DPDK in a guest: every feature of net_xenfront, between two vifs of one guest; results: guest-dpdk.json
#
#     guest a: pmdcheck   port 0 (vif 0) ---- vifd ---- port 1 (vif 1)

[ -x "$BIN/pmdcheck" ] || skip "pmd: $(make -s guest-dpdk)"
export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
features=0

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 4' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0'
guest_create a
A=$(domid a)
simctl vif-add a >/dev/null
back=/local/domain/0/backend/vif/$A
for n in 0 1; do xenstore-write $back/$n/policy/mtu 9000; done

# What only the host can do
# shellcheck disable=SC2154 # vifd_pid is lib.sh's
act() {
	case $1 in
		link-off) xenstore-write $back/1/policy/link off ;;
		link-auto) xenstore-rm $back/1/policy/link ;;
		offload-none) xenstore-write $back/1/policy/offload none ;;
		offload-all) xenstore-rm $back/1/policy/offload ;;
		allow) xenstore-write $back/1/policy/guest-mac 1 $back/1/policy/guest-promiscuous 1 ;;
		kill-vifd) vifd_kill; vifd_start ;;
		close) # vifd would take it back at once
			kill -STOP "$vifd_pid"
			xenstore-write $back/1/state 5
			sleep 0.3
			kill -CONT "$vifd_pid" ;;
		detach) simctl vif-del a 1 ;;
		*) false ;;
	esac
}

# pmdcheck GROUP: its checks become this scenario's
pmdcheck() {
	local word name value in out pid
	mkfifo "$VIFD_SIM/in.$1" "$VIFD_SIM/out.$1"
	mkdir -p "$VIFD_SIM/run-a"
	ip netns exec "$(ns dom0)" env LD_LIBRARY_PATH="$BIN/lib" XENSTORED_PATH="$VIFD_SIM/xs/$A.sock" VIFD_SIM_DOMID="$A" \
		RUNTIME_DIRECTORY="$VIFD_SIM/run-a" ${PMD_WRAP:-} "$BIN/pmdcheck" --no-huge -m 64 --no-pci --no-telemetry -l 0 --file-prefix "pmd$1" \
		--vdev net_xenfront0,vif=0,copybreak=0 --vdev net_xenfront1,vif=1,copybreak=0 -- "$1" \
		<"$VIFD_SIM/in.$1" >"$VIFD_SIM/out.$1" 2>>"$SIM_LOGS/pmdcheck.log" &
	pid=$!
	exec {in}>"$VIFD_SIM/in.$1" {out}<"$VIFD_SIM/out.$1"
	while read -r word name value <&"$out"; do
		case $word in
			check) check "$name" "$value" true; if [ "$value" = true ]; then features=$((features + 1)); fi ;;
			value) check "$name" "$value" ">= 1" frames ;;
			do) if act "$name" >&2; then echo "done" >&"$in"; else echo failed >&"$in"; fi ;;
		esac
	done
	wait $pid && value=0 || value=$?
	check "status of pmdcheck $1" $value "== 0"
	exec {in}>&- {out}<&-
}

for group in ${PMD_GROUPS:-frames control events}; do
	pmdcheck "$group"
	check "maps after pmdcheck $group" "$(stat_of vifd maps)" "== 0"
done
check ethdev_features $features ">= 25"
results_write "$SIM_RESULT"
test/xen/result_into "$BUILD/results/$SIM_RESULT.json" "$BUILD/results/guest-dpdk.json" \
	ethdev_features zero_copy_rx_frames zero_copy_tx_frames
