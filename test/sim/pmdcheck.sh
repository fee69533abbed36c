# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Scenarios with an application of DPDK in guest a: pmdcheck (test/sim/pmd), on its vifs 0 and 1.
#
#     pmdcheck GROUP [DEVARGS]   its checks become the scenario's; those that hold are counted in $features
#
# The scenario defines act WHAT, which does on the host what pmdcheck asks for.

[ -x "$BIN/pmdcheck" ] || skip "$SIM_RESULT: $(make -s guest-dpdk)"
export RUNTIME_DIRECTORY=$VIFD_SIM/run
features=0

# dpdk_guest [NAME]: guest a with two vifs, which in_dpdk and pmdcheck use from now on
dpdk_guest() {
	guest_create "${1:-a}"
	A=$(domid "${1:-a}")
	simctl vif-add "${1:-a}" >/dev/null
	back=/local/domain/0/backend/vif/$A
	mkdir -p "$VIFD_SIM/run-a"
}

# in_dpdk COMMAND...: as a program of guest a runs, in the namespace $DPDK_NS
in_dpdk() {
	ip netns exec "$(ns "${DPDK_NS:-dom0}")" env LD_LIBRARY_PATH="$BIN/lib" XENSTORED_PATH="$VIFD_SIM/xs/$A.sock" VIFD_SIM_DOMID="$A" \
		RUNTIME_DIRECTORY="$VIFD_SIM/run-a" ${PMD_WRAP:-} "$@"
}

# testpmd_can: dpdk-testpmd is Debian's, and loads no driver that was built with a sanitizer
testpmd_can() {
	case $BUILD in
		*san-*)
			echo "skip $SIM_RESULT: testpmd: it cannot load a driver with sanitizers"
			skipped=$((skipped + 1))
			return 1 ;;
	esac
}

# in_testpmd ARG...: preloaded, since DPDK refuses to load drivers (-d) from below folders that all may write to
in_testpmd() {
	in_dpdk env LD_PRELOAD="$SIM_TOP/$BUILD/frontend/dpdk/librte_net_xenfront.so" stdbuf -oL dpdk-testpmd --no-huge -m 96 --no-pci \
		--no-telemetry -l 0,1 --file-prefix testpmd "$@"
}

# back_end_closes N: the back end of vif N says so, and the front end sees it: vifd would take it back at once
# shellcheck disable=SC2154 # vifd_pid is lib.sh's
back_end_closes() {
	kill -STOP "$vifd_pid"
	xenstore-write "$back/$1/state" 5
	sleep 0.3
	kill -CONT "$vifd_pid"
}

pmdcheck() {
	local word name value in out pid
	mkfifo "$VIFD_SIM/in.$1" "$VIFD_SIM/out.$1"
	in_dpdk "$BIN/pmdcheck" --no-huge -m 64 --no-pci --no-telemetry -l 0 --file-prefix "pmd$1" \
		--vdev "net_xenfront0,vif=0,copybreak=0${2:-}" --vdev "net_xenfront1,vif=1,copybreak=0${2:-}" -- "$1" \
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
	check "maps after pmdcheck $1" "$(stat_of vifd maps)" "== 0"
}
