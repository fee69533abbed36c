# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What vifctl prints for other programs, of guests that send, move and are dropped; test/readers has those read it
#
#     web, db, mail -- vifd --+-- vf0, vf1 (two VFs) ---- pf0, pf1 --+-- br0 in "host"
#                             +-- the switch -- up0 --------- eth0 --+

export RUNTIME_DIRECTORY=$VIFD_SIM/run
vifctl() { timeout 60 "$SIM_TOP/$BUILD/vifctl" "$@"; }
path_is() { [ "$(xenstore-read "/local/domain/0/backend/vif/$(domid "$1")/0/path" 2>/dev/null)" = "$2" ]; }

in_ns host ip link add br0 type bridge
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip link set eth0 master br0
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set br0 up
wire vf0 pf0
wire vf1 pf1
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic lan]' 'uplink = up0' 'devices = vf0 vf1'
mail=mail-of-a-department-with-a-long-name
for name in web db $mail; do
	guest_create $name
	guest_start $name
done
for name in web db; do wait_for 30 "$name on a VF" path_is $name vf; done

tcp_mbps web host 3 -b 20M >/dev/null &
sending=$!
vifctl report --interval 0.2 --count 30 >"$SIM_LOGS/report.html" &
looking=$!
sleep 1.5
vifctl move web software >/dev/null
guest_run db ip link set eth0 address 02:00:00:00:00:99 # which is not its own
ping_lost db host 50 >/dev/null
ping_lost $mail host 50 >/dev/null
check_true "the report is made" wait $looking
wait $sending
vifctl metrics >"$SIM_LOGS/metrics" || die "there are no metrics"
vifd_stop
