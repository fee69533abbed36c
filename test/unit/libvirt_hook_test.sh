#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The hook of libvirt's, with the XML that libvirtd gives it and a vifctl that checks files: one fact a function.
set -eu

cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/facts.sh
. test/unit/facts.sh
hook=$PWD/toolstack-hooks/libvirt-hook
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VIFD_CONFIG=$work/vifd.conf CHECKER=$PWD/${BUILD:-build}/vifctl STATUS=0
UUID=01234567-89ab-cdef-0123-456789abcdef
FILE=$work/vif.d/libvirt-$UUID
XML=

# A vifctl that knows whether vifd runs; it checks files as the real one
make_vifctl() {
	mkdir -p "$work/bin"
	# shellcheck disable=SC2016 # the stand-in expands it
	printf '%s\n' '#!/bin/sh' '[ "$1" != list ] || exit $STATUS' 'exec "$CHECKER" "$@"' >"$work/bin/vifctl"
	chmod +x "$work/bin/vifctl"
	PATH=$work/bin:$PATH
}

new_host() {
	rm -rf "$work/vif.d"
	printf '%s\n' '[daemon]' "policy_dir = $work/vif.d  # there" >"$VIFD_CONFIG"
}

# guest METADATA INTERFACE: as libvirt formats it
guest() {
	XML="<domain type='xen' id='1'>
  <name>g1</name>
  <uuid>$UUID</uuid>
  <metadata>$1</metadata>
  <devices>
    <interface type='bridge'>
      <mac address='00:16:3e:00:00:09'/>
      <script path='vif-bridge'/>
    </interface>
    <interface type='ethernet'>
      <mac address='00:16:3e:00:00:01'/>
      $2
    </interface>
    <interface type='bridge'>
      <script path='vif-bridge'/>
    </interface>
  </devices>
</domain>"
}
OURS="<script path='/etc/xen/scripts/vif-vifd'/>"
rules() { printf '<vifd:rules xmlns:vifd="urn:vifd:rules">\n%s\n</vifd:rules>' "$1"; }

run() { "$hook" g1 "$@" - <<<"$XML" 2>"$work/err"; }
refused() { if run "$@"; then return 1; fi; }
# in_file N LINE...: what the file has, without comments and blanks
in_file() {
	local file=$FILE-$1.conf
	shift
	[ "$(sed 's/^ *//; /^#/d; /^$/d' "$file")" = "$(printf '%s\n' "$@")" ]
}
files() { find "$work/vif.d" -type f 2>/dev/null | wc -l; }

guest_of_vifds_starts() {
	new_host
	guest '' "$OURS"
	run prepare begin
	[ "$(files)" = 0 ]
}

without_vifd_its_guest_is_refused_with_the_remedy() {
	new_host
	guest '' "$OURS"
	STATUS=3 refused prepare begin
	grep -q "systemctl start vifd" "$work/err"
}

other_guests_do_not_need_vifd() {
	new_host
	guest '' "<script path='vif-bridge'/>"
	STATUS=3 run prepare begin
	guest '' "$OURS<backenddomain name='net'/>"
	STATUS=3 run prepare begin
}

other_operations_do_not_need_vifd() {
	new_host
	guest '' "$OURS"
	STATUS=3 run started begin
	STATUS=3 run stopped end
	STATUS=3 run reconnect begin
}

rules_become_files() {
	new_host
	guest "$(rules '<vifd:interface mac="00:16:3e:00:00:01">
          vf = require
          vlan-insert = 10
        </vifd:interface>
        <vifd:interface mac="00:16:3e:00:00:02">vf = never</vifd:interface>
        <vifd:interface>
          isolated = 1</vifd:interface>')" "$OURS"
	run prepare begin
	in_file 0 '[match]' "uuid = $UUID" 'mac = 00:16:3e:00:00:01' '[policy]' 'vf = require' 'vlan-insert = 10'
	in_file 1 '[match]' "uuid = $UUID" 'mac = 00:16:3e:00:00:02' '[policy]' 'vf = never'
	in_file 2 '[match]' "uuid = $UUID" '[policy]' 'isolated = 1'
	[ "$(files)" = 3 ]
}

rules_end_with_the_guest() {
	rules_become_files
	touch "$work/vif.d/other.conf"
	run started begin
	[ "$(files)" = 4 ]
	run release end
	[ "$(ls "$work/vif.d")" = other.conf ]
}

rules_that_are_no_longer_there_go() {
	rules_become_files
	guest '' "$OURS"
	run prepare begin
	[ "$(files)" = 0 ]
}

wrong_rule_refuses_the_guest_and_is_named() {
	new_host
	guest "$(rules '<vifd:interface mac="00:16:3e:00:00:01">vf = always</vifd:interface>')" "$OURS"
	refused prepare begin
	grep -q "^g1: rules in <metadata>: .*always" "$work/err"
	[ "$(files)" = 0 ]
}

metadata_of_others_is_none_of_ours() {
	new_host
	guest '<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"><nova:port uuid="1"/></nova:instance>' "$OURS"
	run prepare begin
	[ "$(files)" = 0 ]
}

make_vifctl
facts "$work/err" guest_of_vifds_starts without_vifd_its_guest_is_refused_with_the_remedy other_guests_do_not_need_vifd \
	other_operations_do_not_need_vifd rules_become_files rules_end_with_the_guest rules_that_are_no_longer_there_go \
	wrong_rule_refuses_the_guest_and_is_named metadata_of_others_is_none_of_ours
