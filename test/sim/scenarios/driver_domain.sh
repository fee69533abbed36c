# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# vifd in a driver domain: it may read little, is told of no domain's end, and another one takes its place
#
#     guests a, b, c --- vifd in domain "net" -- up0 ------ eth0 in "host"

export RUNTIME_DIRECTORY=$VIFD_SIM/run
POLICY=$VIFD_SIM/vif.d
mkdir -p "$POLICY"

back() { echo "/local/domain/$net/backend/vif/$(domid "$1")/0"; }
back_is() { [ "$(xenstore-read "$(back "$1")/$2" 2>/dev/null)" = "$3" ]; }
said() { grep -q "$1" "$SIM_LOGS/vifd.log"; }

# serve NAME: vifd runs in the driver domain NAME
serve() {
	net=$(simctl create "$1")
	SIM_VIFD_WRAP="env VIFD_SIM_DOMID=$net XENSTORED_PATH=$VIFD_SIM/xs/$net.sock"
	vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" "policy_dir = $POLICY" '[nic sim]' 'uplink = up0'
}

serve net
check_true "it serves its own domain's vifs" said "serving domain $net's vifs"
for guest in a b c; do
	guest_create $guest backend=net mtu=1400 || die "guest $guest's vif was not made"
	guest_start $guest || die "guest $guest did not connect"
done
check driver_domain_sim_guests "$(simctl stats vifd | sed -n 's/.*binds=\([0-9]*\).*/\1/p')" ">= 3" channels
for pair in "a host" "b host" "c host" "a b" "b c" "host c"; do
	# shellcheck disable=SC2086 # two words
	check "ping_lost ${pair/ / to }" "$(ping_lost $pair 10)" "== 0" frames
done
check_true "the guest is told its MTU" test "$(xenstore-read "/local/domain/$(domid a)/device/vif/0/mtu")" = 1400
check_true "xl's part: the script ran in the driver domain" back_is a hotplug-status connected

# a rule for a uuid that a driver domain cannot read is not skipped
printf '%s\n' '[match]' 'uuid = 01234567-89ab-cdef-0123-456789abcdef' '[policy]' 'mtu = 1200' >"$POLICY/uuid.conf"
check_true "a rule by uuid is refused" wait_for 5 "the error" xenstore-exists "$(back a)/policy-error"
check_true "the log says why" said "the domain's uuid cannot be read: Permission denied"
check "the policy before stays in force: lost pings" "$(ping_lost a host 5)" "== 0" frames
guest_create d backend=net
guest_start d
check "without any policy nothing passes: lost pings" "$(ping_lost d host 3)" "== 3" frames
rm "$POLICY/uuid.conf"
printf '%s\n' '[match]' "mac = $(xenstore-read "$(back d)/mac")" '[policy]' 'mtu = 1400' >"$POLICY/mac.conf"
check_true "rules by address can be read" wait_for 5 "the rule" eval '! xenstore-exists "$(back d)/policy-error"'
check "with one, frames pass: lost pings" "$(ping_lost d host 5)" "== 0" frames

vifd_kill
vifd_start
check "after kill -9: lost pings" "$(ping_lost a host 10)" "== 0" frames

# Xen tells only dom0 of a domain's end; what libxl removes is seen
kill -KILL "${guest_pid[d]}"
guest_destroy d
check_true "a destroyed guest's vif goes" wait_for 10 "its end" eval '! "$SIM_TOP/$BUILD/vifctl" list | grep -q "^$(domid d)[.]"'
check "its neighbours: lost pings" "$(ping_lost a b 5)" "== 0" frames

# the driver domain dies, and another one takes its place
mac=$(xenstore-read "$(back a)/mac")
vifd_kill
guest_stop a
simctl destroy net
simctl vif-del a 0 2>/dev/null || true
serve net
check_true "a new driver domain serves the vif" eval 'simctl vif-add a devid=0 backend=net mac="$mac" >/dev/null'
check_true "the guest is back" guest_start a
check "the guest is back: lost pings" "$(ping_lost a host 10)" "== 0" frames
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_destroy a
check "maps after close" "$(stat_of vifd maps)" "== 0"
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
