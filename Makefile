# SPDX-License-Identifier: BSD-3-Clause
# vifd. `make help` lists the targets; README.md says where to read next.
#
#   V=1                            show the commands
#   WERROR=1                       treat warnings as errors
#   SANITIZE=address,undefined     or thread; builds in a separate folder
#   DEBIAN=13                      build with that release's packages: 12, 13 or newest (doc/releases.md)
#   DESTDIR= PREFIX=/usr           for install

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

CC       ?= gcc
ifeq ($(origin CC),default)
CC       := gcc
endif
PREFIX   ?= /usr
host     := $(shell . /etc/os-release && echo $$VERSION_ID)
DEBIAN   ?= $(host)
empty    :=
comma    := ,
Q        := $(if $(V),,@)
say       = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

BUILD    ?= build$(if $(filter-out $(host),$(DEBIAN)),/debian$(DEBIAN))$(if $(SANITIZE),/san-$(subst $(comma),-,$(SANITIZE)))
export BUILD DEBIAN

packages := libdpdk xenstore xengnttab xenevtchn xencontrol xencall xentoollog libmnl libsystemd libcap-ng libseccomp json-c
missing  := $(strip $(shell for p in $(packages); do pkg-config --exists $$p 2>/dev/null || echo $$p; done))

CFLAGS   ?= -O2 -g
# ThreadSanitizer understands atomics but not fences; DPDK's rings can use either. test/sim/tsan/ tells it the rest.
flags    := -std=gnu11 -Wall -Wextra -Wmissing-prototypes $(if $(WERROR),-Werror) \
            $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined) \
            $(if $(filter thread,$(SANITIZE)),-Wno-tsan -DRTE_USE_C11_MEM_MODEL)
cppflags := -D_GNU_SOURCE= $(if $(filter thread,$(SANITIZE)),-Itest/sim/tsan) -I. -Ibackend -I$(BUILD) -MMD -MP
ifeq ($(missing),)
cppflags += $(shell pkg-config --cflags $(packages))
libs     := $(shell pkg-config --libs $(filter-out json-c,$(packages)))
endif
libs     += -lpthread
compile   = $(CC) $(cppflags) $(CPPFLAGS) $(flags) $(CFLAGS)
link      = $(CC) $(flags) $(CFLAGS) $(LDFLAGS)

# The daemon is built from every .c file of its folders, and so is vifctl.
vifd_src   := $(filter-out backend/vifctl/% backend/fs/%,$(wildcard backend/*.c backend/*/*.c backend/*/*/*.c)) $(wildcard common/*.c)
vifctl_src := $(wildcard backend/vifctl/*.c backend/policy/*.c backend/doctor/*.c) \
              $(addprefix backend/,config.c ini.c base/text.c dma/pages.c xen/store.c xen/dom.c xen/room.c xen/xtl.c)
fs_src     := $(wildcard backend/fs/*.c) backend/vifctl/client.c backend/base/text.c
base_src   := $(wildcard backend/base/*.c)
vifd_obj   := $(vifd_src:%.c=$(BUILD)/%.o)
vifctl_obj := $(vifctl_src:%.c=$(BUILD)/%.o)
fs_obj     := $(fs_src:%.c=$(BUILD)/%.o)
programs   := $(if $(wildcard backend/main.c),$(BUILD)/vifd) $(if $(vifctl_src),$(BUILD)/vifctl) $(if $(shell pkg-config --exists fuse3 && echo yes),$(BUILD)/vifd-fs)
# Those of the guest's DPDK driver are added by frontend/dpdk/dpdk.mk, where it can be built.
unit_src   := $(filter-out test/unit/pmd_%,$(wildcard test/unit/*_test.c))
unit_bin   := $(unit_src:%.c=$(BUILD)/%)
unit_sh    := $(wildcard test/unit/*_test.sh test/unit/*_test.py)

.PHONY: all deps demo check check-long check-fresh unit xen-test frontend-test newest sim-test sim-demo bench fuzz soak lint circles format schema deb deb-test readers \
        install install-guest clean help need-libs FORCE

ifneq ($(DEBIAN),$(host))
# For another release make runs the same goals inside that release's build root.
all unit guest-dpdk: ; $(Q)test/deps --release $(DEBIAN) --run $(MAKE) BUILD=$(BUILD) DEBIAN=$(DEBIAN) host=$(DEBIAN) \
                $(if $(V),V=1) $(if $(WERROR),WERROR=1) $(if $(SANITIZE),SANITIZE=$(SANITIZE)) $@
else
all: $(programs) $(vifd_obj) schema ## build vifd, vifctl and, with libfuse3, vifd-fs
unit: $(unit_bin) $(filter %/vifctl,$(programs)) $(BUILD)/model/built ## unit tests: no root, no Xen, no NIC
	$(Q)test/check --programs $(unit_sh) $(unit_bin)
endif

tsan_obj   := $(if $(filter thread,$(SANITIZE)),$(BUILD)/test/sim/tsan/pools.o)
$(BUILD)/vifd: $(vifd_obj) $(tsan_obj)
	$(call say,LINK,$@)
	$(Q)$(link) $(if $(tsan_obj),-Wl$(comma)--wrap=rte_eal_init) -o $@ $^ $(libs)

$(BUILD)/vifctl: $(vifctl_obj)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(shell pkg-config --libs json-c xenstore xencontrol xencall xentoollog) -lm

$(BUILD)/backend/fs/%.o: private cppflags += $(shell pkg-config --cflags fuse3)
$(BUILD)/vifd-fs: $(fs_obj)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(shell pkg-config --libs json-c fuse3)

# xenstore-schema/vif.schema is the only list of keys; tables and documents are generated from it.
schema_from := xenstore-schema/vif.schema xenstore-schema/generate xenstore-schema/schema.py
schema_made := $(BUILD)/generated/policy_rules.h
schema: $(schema_made) $(BUILD)/generated/docs
$(schema_made): $(schema_from)
	$(call say,GEN,$@)
	$(Q)xenstore-schema/generate rules $@ && touch $@
$(BUILD)/generated/docs: $(schema_from) doc/xenstore.md doc/policy.md doc/man/vifd.conf.5
	@mkdir -p $(@D)
	$(Q)xenstore-schema/generate docs && touch $@

# Spin verifiers are generated from the models of the sleep handshakes.
$(BUILD)/model/built: $(wildcard test/model/*)
	@mkdir -p $(@D)
	$(call say,SPIN,$(@D))
	$(Q)test/model/run --build && touch $@

# A header in test/sim/tsan/ takes the place of one that objects have been compiled with.
$(BUILD)/%.o: %.c $(BUILD)/flags $(if $(filter thread,$(SANITIZE)),$(wildcard test/sim/tsan/*.h)) | need-libs $(schema_made)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(compile) -c -o $@ $<

# A unit test names the files it is linked with besides those of base/, relative to backend/ (or in
# common/, test/), or a folder outside backend/; so does a fake in test/:
#   /* links: port/offload.c log.c */      /* wraps: xs_read write */
tag       = $(shell sed -n 's|^/\* $(1): *\(.*[^ ]\) *\*/.*|\1|p' $(2))
links     = $(foreach f,$(call tag,links,$(1)),$(f) $(if $(filter test/%,$(f)),$(call links,$(f))))
sources   = $(base_src) $(foreach f,$(sort $(call links,$(1))),$(if $(filter %/,$(f)),$(wildcard $f*.c),$(if $(filter common/% test/%,$(f)),$f,backend/$f)))
unit_objs = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
define unit_rule
$(BUILD)/$(1:.c=): $(BUILD)/$(1:.c=.o) $(call unit_objs,$(1))
	$$(call say,LINK,$$@)
	$$(Q)$$(link) $(foreach w,$(call tag,wraps,$(1)),-Wl$(comma)--wrap=$(w)) -o $$@ $$^ $$(libs) -lcmocka
endef
$(foreach t,$(unit_src),$(eval $(call unit_rule,$(t))))
.SECONDARY: $(unit_src:%.c=$(BUILD)/%.o)

# cmocka 2 deprecates names that cmocka 1, of Debian 12 and 13, has no others for.
$(BUILD)/test/unit/%.o: private flags += -Wno-deprecated-declarations

# If the flags have changed since the last build, everything is compiled again.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(compile)' | cmp -s - $@ || echo '$(compile)' > $@

need-libs:
	@test -z "$(missing)" || { echo "missing headers of: $(missing); run 'make deps' as root" >&2; exit 1; }

# Parts with their own makefiles: the simulated Xen and its guests, fuzzers, benchmarks.
-include $(if $(filter $(host),$(DEBIAN)),frontend/dpdk/dpdk.mk) test/sim/sim.mk test/fuzz/fuzz.mk test/bench/bench.mk
-include $(vifd_obj:.o=.d) $(vifctl_obj:.o=.d) $(fs_obj:.o=.d) $(wildcard $(BUILD)/test/unit/*.d)

build_other = $(Q)$(foreach d,$(filter-out $(host),12 13),$(MAKE) DEBIAN=$d BUILD=build/debian$d all &&) true
run-part = $(Q)test -x $(1) || { echo "$@: $(firstword $(1)) does not exist" >&2; exit 1; }; $(1) $(2)

deps: ; $(Q)test/deps ## install the Debian packages that build and tests need (root)
demo: deps ## three guests on a real Xen in QEMU, two on VFs, one on the software switch
	$(Q)$(MAKE) all
	$(call run-part,test/xen/demo)
check: deps ## run all tests; prints N passed, N failed, N skipped
	$(Q)test/check
check-long: deps ## what every commit shall pass and make check has no time for: guests that come and go, kills, storms on a real Xen
	$(Q)$(MAKE) all
	$(Q)test/check --part xen_long report
sanitizers: deps ## vifd and guests of the sim bed with AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer
	$(Q)test/check --part san_build san
check-fresh: ## make check in a minimal Debian root; PARTS="unit sim" runs only these, DEBIAN=13 selects the release
	$(Q)test/fresh --debian $(DEBIAN) $(PARTS)
xen-test: all ## scenarios on a real Xen in QEMU
	$(build_other)
	$(Q)test/check --part xen xen_long xen_more
frontend-test: all ## the guest module's whole matrix on real Xens in QEMU, Debian 12 and 13 (about 45 minutes)
	$(build_other)
	$(call run-part,test/xen/frontend)
newest: deps ## Debian testing's DPDK, and Linux 7 and QEMU 11 of Debian 13's backports: unit tests, demo, matrix
	$(Q)test/check --part newest
ifeq ($(wildcard test/sim/sim.mk),)
sim-test sim-demo: ; @echo "$@: test/sim/sim.mk does not exist" >&2; exit 1
endif
ifeq ($(wildcard test/fuzz/fuzz.mk),)
fuzz: ; @echo "$@: test/fuzz/fuzz.mk does not exist" >&2; exit 1
endif
ifeq ($(wildcard test/bench/bench.mk),)
bench: ; @echo "$@: test/bench/bench.mk does not exist" >&2; exit 1
endif
soak: all ## long-running form of the tests (about an hour)
	$(call run-part,test/soak)
lint: ; $(Q)test/lint ## includes, licences, sizes, formatting, clang-tidy, shellcheck, schema
# frontend/linux/Makefile builds the module in one folder for each kernel; all built ones are checked.
module_obj = $(patsubst frontend/linux/%.c,$(BUILD)/frontend/$(1)/frontend/linux/%.o,$(wildcard frontend/linux/*.c))
modules   := $(patsubst $(BUILD)/frontend/%/frontend,%,$(wildcard $(BUILD)/frontend/*/frontend))
circles: all ## find circles between .c files, from the functions each one calls
	$(Q)test/lint-circles vifd: $(vifd_obj) vifctl: $(vifctl_obj) \
		$(foreach k,$(or $(modules),vifront),$k: $(if $(modules),$(call module_obj,$k)))
format: ; $(Q)test/lint --fix ## run clang-format on all C files
install: all ## install into $(DESTDIR)$(PREFIX), where Debian's xen packages look
	$(call run-part,toolstack-hooks/install,$(BUILD) "$(DESTDIR)" "$(PREFIX)")
deb: ## Debian packages of HEAD, built in a minimal Debian: build/packages/N/*.deb; DEBIAN=13 selects the release
	$(Q)BUILD=$(BUILD) test/deb --debian $(DEBIAN) --build
deb-test: $(if $(filter $(host),$(DEBIAN)),all sim-bed) ## make deb, and install, upgrade and purge them in another minimal Debian
	$(Q)BUILD=$(BUILD) test/deb --debian $(DEBIAN)
readers: all sim-bed ## a browser and promtool read what vifctl prints (downloads 150 MB)
	$(Q)BUILD=$(BUILD) test/readers
install-guest: ; $(Q)$(MAKE) -C frontend/linux BUILD=$(abspath $(BUILD)) install ## install the guest's kernel module
clean: ## remove build results; downloads (build/xen, build/release) stay
	$(Q)find $(BUILD) -mindepth 1 -maxdepth 1 ! -name xen ! -name release -exec rm -rf {} +
help:
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' Makefile | expand -t 16
	@sed -n 's/^#   //p' Makefile | head -5
