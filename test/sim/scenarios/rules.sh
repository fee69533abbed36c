# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# each rule, with frames that must pass and frames that must not, on a device and on the software path
#
#     guest a -- vifd --+-- vf0 (its own device, in place of a VF) --------- pf0 in "host"
#                       +-- the switch -- up0 --------------------------- eth0 in "host"

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
table=$VIFD_SIM/table
path_is() { [ "$(xenstore-read "$back/path")" = "$1" ]; }
run_rules() {
	check_true "every case ran on $1" "$SIM_TOP/test/sim/rules" "$1" "$(domid a).0" "$back" "$(ns a)" "$(ns host)" "$2" \
		"$VIFD_SIM/$1.json" <"$table"
}

# Compares the two paths: a frame passes on both or on neither
summary() {
	python3 - "$SIM_TOP/xenstore-schema" "$VIFD_SIM/vf.json" "$VIFD_SIM/software.json" <<-'END'
		import json, os, sys
		sys.path.insert(0, sys.argv[1])
		sys.dont_write_bytecode = True
		from schema import read_schema
		vf, software = (json.load(open(name)) for name in sys.argv[2:])
		keys = {k.rule for k in read_schema(os.path.join(sys.argv[1], "vif.schema"), []).values() if k.rule}
		# these judge no frame: shares (scenarios pool, fairness), copies (mirror), capabilities (capability),
		# guests' requests (policy, guest_flows), where the vif is (kernel_path), the rate of reception (path_rx_rate_test), when the
		# guest is told (coalesce_test, path_coalesce_test)
		keys -= {"vf", "weight", "guaranteed", "mirror", "mirror-to", "mirror-vlan", "mirror-limit", "offload", "static-grants",
		         "queues", "guest-mac", "guest-promiscuous", "guest-mtu", "guest-vlan", "guest-rate",
		         "virtual-pf", "flows", "path", "rx-rate", "latency-us"}
		used = {r.split("=")[0] for c in vf for r in c["rule"].split(", ") if r}
		bad = [c for c in vf + software if not c["ok"]]
		differ = [a["name"] for a, b in zip(vf, software) if a["passed"] != b["passed"]]
		for case in bad:
		    print("wrong:", case, file=sys.stderr)
		print(f"rules={len(used & keys)} cases={len(vf + software)} wrong={len(bad)}",
		      f"differ={len(differ) + abs(len(vf) - len(software))} untested={','.join(sorted(keys - used)) or 'none'}")
		with open(sys.argv[2] + ".table", "w") as file:
		    file.write("[\n    " + ",\n    ".join(json.dumps(c) for c in vf + software) + "\n  ]")
	END
}

ip link add "vf$SIM_ID" type veth peer name "pf$SIM_ID"
ip link set "vf$SIM_ID" netns "$(ns dom0)" name vf0
ip link set "pf$SIM_ID" netns "$(ns host)" name pf0
in_ns dom0 ip link set vf0 up
in_ns host ip link set pf0 up
# nobody answers, so each frame on the bed is one of the table's
in_ns host ip addr flush dev eth0
"$SIM_TOP/$BUILD/test/unit/verdict_test" --list >"$table"

vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0'
guest_create a mac=02:00:00:00:00:01
back=/local/domain/0/backend/vif/$(domid a)/0
guest_start a || die "guest a did not connect"
guest_create b mac=02:00:00:00:00:04 # the other vif, from which an isolated vif is separated
guest_start b || die "guest b did not connect"
for name in a b; do
	in_ns $name ip link set eth0 arp off
	in_ns $name ip addr flush dev eth0
done
wait_for 10 "a device of its own" path_is vf || die "a has no device of its own"
sleep 1
run_rules vf pf0
timeout 20 "$VIFCTL" move "$(domid a).0" software >>"$SIM_LOGS/vifctl.log" 2>&1 || die "a does not move"
path_is software || die "a is not on the software path"
sleep 1
run_rules software eth0

summary >"$VIFD_SIM/summary" 2>"$SIM_LOGS/wrong" || die "no summary: $(tail -1 "$SIM_LOGS/wrong")"
head -20 "$SIM_LOGS/wrong"
of() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" "$VIFD_SIM/summary"; }
check rules "$(of rules)" ">= 18"
check rules_untested "$(of untested)" "== none"
check cases "$(of cases)" ">= 200"
check cases_wrong "$(of wrong)" "== 0"
check software_hardware_disagree "$(of differ)" "== 0"
"$SIM_TOP/$BUILD/bench-policy" >"$VIFD_SIM/cycles"
cycles() { awk -v n="$1" '$1 == n { print $2 }' "$VIFD_SIM/cycles"; }
figure cycles_antispoof "$(cycles antispoof)" "< 12" cycles
figure cycles_antispoof_vlan64 "$(cycles antispoof_vlan64)" "< 12" cycles
detail cycles "{$(awk '{ printf "%s\"%s\": %s", (NR > 1 ? ", " : ""), $1, $2 }' "$VIFD_SIM/cycles")}"
detail table "$(cat "$VIFD_SIM/vf.json.table")"
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_stop b || die "guest b did not end"
guest_destroy a
guest_destroy b
vifd_stop || die "vifd did not end well"
