# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# one check for each feature of netif.h: frames arrive as the guest asked for them

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 4' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
# Each group has its own pair of guests, because vifd delays a guest that reconnects often
for group in plain no-csum gso mcast hash static errors reload offers refusals queues live xdp hashes; do
	guest_create "$group-a"
	guest_create "$group-b"
	case $group in
		offers|refusals|queues|live|xdp|hashes) program=simguest-keys ;;
		*) program=simguest-proto ;;
	esac
	timeout 60 "$BIN/$program" $group "$(domid $group-a)" "$(domid $group-b)" \
		>"$SIM_LOGS/proto.out" 2>>"$SIM_LOGS/proto.log" && status=0 || status=$?
	while read -r _ name value; do
		case $name in
			gref_mapping_entries) check "$name" "$value" ">= 512" ;;
			copies_of_50_frames_over_static_grants) check "$name" "$value" "== 0" ;;
			violations_*) check "$name" "$value" "== 0" ;;
			*) check "$name" "$value" true ;;
		esac
	done <"$SIM_LOGS/proto.out"
	check "$group: exit status" $status "== 0"
done
cat "$SIM_LOGS/proto.log"
check "maps after close" "$(stat_of vifd maps)" "== 0"
check "binds after close" "$(stat_of vifd binds)" "== 0"
