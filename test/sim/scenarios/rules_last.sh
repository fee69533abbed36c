# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rules that an admin set with --save hold after the guest's reboot, and on another vifd that has the saved file
#
# A reboot is what libxl makes of it: the domain ends, and another with the same MAC and another domid comes. A
# migration is the same, but the guest comes to a vifd that never knew it: another run_dir and policy_dir, into which
# the saved file was copied. There is only one store here, and no second machine.

export RUNTIME_DIRECTORY=$VIFD_SIM/run
mac=00:16:3e:12:34:56
saved=saved-00163e123456.conf
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
ctl() { timeout 20 "$SIM_TOP/$BUILD/vifctl" "$@" 2>"$VIFD_SIM/err"; }
warned() { grep -q -- "--save" "$VIFD_SIM/err"; }
# from RULE: where the value of a's rule comes from; value_of RULE: the value
from() { ctl show --why "$(domid a).0" | awk -v rule="$1" '$1 == rule { print $3 }'; }
value_of() { ctl show --why "$(domid a).0" | awk -v rule="$1" '$1 == rule { print $2 }'; }
# The guest comes, with a rate by xl, which a saved rule has to override
comes() {
	guest_create a mac=$mac rate=125000,50000 || die "guest a was not created"
	guest_start a || die "guest a did not connect"
}
passes() { [ "$(ping_lost a b 5)" = 0 ]; }
stops() { [ "$(ping_lost a b 5)" = 5 ]; }
# holds_again: what was saved is in force, from the file, and what was not is gone. No frame passed that it forbids
holds_again() {
	local line
	for line in "vlan-insert 10" "rate 62500,50000"; do
		[ "$(value_of "${line% *}")" = "${line#* }" ] || { say "${line% *} is $(value_of "${line% *}")"; return 1; }
		[[ $(from "${line% *}") == "$saved":* ]] || { say "${line% *} comes from $(from "${line% *}")"; return 1; }
	done
	[ "$(from mtu)" = default ] || { say "mtu comes from $(from mtu)"; return 1; }
	xenstore-list "$(back a)/policy" 2>/dev/null | grep -q . && { say "keys are left in policy/"; return 1; }
	stops || { say "frames pass without the VLAN"; return 1; }
}

conf() { # conf N: of host N
	mkdir -p "$VIFD_SIM/run$1" "$VIFD_SIM/vif.d$1"
	printf '%s\n' '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run$1" "policy_dir = $VIFD_SIM/vif.d$1" '' '[nic sim]' 'uplink = up0'
}
mapfile -t lines < <(conf 1)
vifd_start "${lines[@]}"
guest_create b
guest_start b || die "guest b did not connect"
comes
check_true "frames pass without rules" passes
ctl set "$(domid a).0" mtu=1400 >/dev/null
check_true "set without --save says that it does not last" warned
check "a rule that is not saved comes from" "$(from mtu)" "== policy/"
ctl set --save "$(domid a).0" vlan-insert=10 rate=62500,50000 >"$VIFD_SIM/out"
check_true "set --save says nothing of the kind" test ! -s "$VIFD_SIM/err"
check "a rule that is saved comes from" "$(from vlan-insert)" "== $saved:4"
check_true "it holds at once" stops
ctl set --save "$(domid a).0" vlan-insert=4095 >/dev/null && wrong=saved || wrong=refused
check "a wrong value" $wrong "== refused"
check_true "is not in the file" sh -c "! grep -q 4095 '$VIFD_SIM/vif.d1/$saved'"
check_true "the file is right by vifctl check" ctl check "$VIFD_SIM/vif.d1/$saved"

guest_destroy a
unset 'guest_dom[a]'
before=$(domid b)
comes
check "the domid is another" "$(domid a)" "> $before"
check_true rules_after_reboot holds_again

guest_destroy a
vifd_stop || die "vifd did not end well"
mapfile -t lines < <(conf 2)
cp "$VIFD_SIM/vif.d1/$saved" "$VIFD_SIM/vif.d2/"
vifd_start "${lines[@]}"
wait_for 10 "guest b connected" sh -c "[ \"\$(xenstore-read $(back b)/state)\" = 4 ]" || true
comes
check_true rules_after_migration holds_again
ctl set --save "$(domid a).0" vlan-insert rate >/dev/null
check_true "frames pass once the rules are removed" passes
check "xl's rate is in force again" "$(from rate)" "== xl"
check_true "the file is gone with its last rule" test ! -e "$VIFD_SIM/vif.d2/$saved"
guest_stop a || die "guest a did not end"
guest_stop b || die "guest b did not end"
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
