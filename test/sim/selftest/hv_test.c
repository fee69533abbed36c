// SPDX-License-Identifier: BSD-3-Clause
/*
 * The libraries of the sim bed: this process is dom0 and uses them as a back end does; the
 * guest's side is played with simhv's own calls.
 */
#include "bed.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

static xengnttab_handle *gnt;
static xenevtchn_handle *evt;

/* A page of @domid granted to dom0. Return: reference */
static uint32_t grant(uint32_t domid, bool readonly, uint8_t **mem)
{
	int gfn = simhv_page_alloc(domid, 1), ref = simhv_grant_alloc(domid);

	assert_true(gfn >= 0 && ref >= 8);
	simhv_grant_access(domid, (uint32_t)ref, 0, (uint32_t)gfn, readonly);
	*mem = simhv_mem(domid) + (size_t)gfn * SIM_PAGE;
	return (uint32_t)ref;
}

static xengnttab_grant_copy_segment_t seg_from(uint32_t domid, uint32_t ref, void *to, uint16_t len)
{
	xengnttab_grant_copy_segment_t s = { .len = len, .flags = GNTCOPY_source_gref };

	s.source.foreign.domid = (uint16_t)domid;
	s.source.foreign.ref = ref;
	s.dest.virt = to;
	return s;
}

static xengnttab_grant_copy_segment_t seg_to(uint32_t domid, uint32_t ref, void *from, uint16_t len)
{
	xengnttab_grant_copy_segment_t s = { .len = len, .flags = GNTCOPY_dest_gref };

	s.dest.foreign.domid = (uint16_t)domid;
	s.dest.foreign.ref = ref;
	s.source.virt = from;
	return s;
}

static void copy_goes_both_ways(void **state)
{
	xengnttab_grant_copy_segment_t s[2];
	char got[8] = "";
	uint8_t *a, *b;
	int dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	uint32_t ra = grant((uint32_t)dom, true, &a), rb = grant((uint32_t)dom, false, &b);

	(void)state;
	memcpy(a + 4000, "hello", 6);
	s[0] = seg_from((uint32_t)dom, ra, got, 6);
	s[0].source.foreign.offset = 4000;
	s[1] = seg_to((uint32_t)dom, rb, (char *)"world", 6);
	assert_int_equal(xengnttab_grant_copy(gnt, 2, s), 0);
	assert_int_equal(s[0].status, GNTST_okay);
	assert_int_equal(s[1].status, GNTST_okay);
	assert_string_equal(got, "hello");
	assert_string_equal((char *)b, "world");
	simhv_dom_destroy((uint32_t)dom);
}

static void copy_from_grant_to_grant(void **state)
{
	uint8_t *a, *b;
	int d1 = simhv_dom_create(0, SIM_DOM_PV, "g1"), d2 = simhv_dom_create(0, SIM_DOM_PV, "g2");
	uint32_t ra = grant((uint32_t)d1, true, &a), rb = grant((uint32_t)d2, false, &b);
	xengnttab_grant_copy_segment_t s = seg_from((uint32_t)d1, ra, NULL, 4);

	(void)state;
	memcpy(a, "abc", 4);
	s.flags |= GNTCOPY_dest_gref;
	s.dest.foreign.domid = (uint16_t)d2;
	s.dest.foreign.ref = rb;
	s.dest.foreign.offset = 4092;
	assert_int_equal(xengnttab_grant_copy(gnt, 1, &s), 0);
	assert_int_equal(s.status, GNTST_okay);
	assert_string_equal((char *)b + 4092, "abc");
	simhv_dom_destroy((uint32_t)d1);
	simhv_dom_destroy((uint32_t)d2);
}

static void copy_reports_each_bad_grant_alone(void **state)
{
	xengnttab_grant_copy_segment_t s[6];
	char got[6][8];
	uint8_t *mem;
	int dom = simhv_dom_create(0, SIM_DOM_PV, "g"),
	    other = simhv_dom_create(0, SIM_DOM_PV, "h");
	uint32_t ro = grant((uint32_t)dom, true, &mem), rw = grant((uint32_t)dom, false, &mem);
	uint32_t theirs = (uint32_t)simhv_grant_alloc((uint32_t)dom);

	(void)state;
	simhv_grant_access((uint32_t)dom, theirs, (uint32_t)other, 5, false);
	s[0] = seg_from((uint32_t)dom, SIM_GRANTS, got[0], 4); /* no such reference */
	s[1] = seg_from((uint32_t)dom, 9999, got[1], 4);       /* nothing granted */
	s[2] = seg_from((uint32_t)dom, theirs, got[2], 4);     /* granted to another domain */
	s[3] = seg_to((uint32_t)dom, ro, got[3], 4);	       /* read-only */
	s[4] = seg_from(SIM_DOMS - 1, rw, got[4], 4);	       /* no such domain */
	s[5] = seg_from((uint32_t)dom, rw, got[5], 4);	       /* good */
	assert_int_equal(xengnttab_grant_copy(gnt, 6, s), 0);
	assert_int_equal(s[0].status, GNTST_bad_gntref);
	assert_int_equal(s[1].status, GNTST_general_error);
	assert_int_equal(s[2].status, GNTST_general_error);
	assert_int_equal(s[3].status, GNTST_general_error);
	assert_int_equal(s[4].status, GNTST_bad_domain);
	assert_int_equal(s[5].status, GNTST_okay);
	assert_true(simhv_grant_end((uint32_t)dom, rw));
	assert_int_equal(xengnttab_grant_copy(gnt, 1, &s[5]), 0);
	assert_int_equal(s[5].status, GNTST_general_error);
	simhv_dom_destroy((uint32_t)dom);
	simhv_dom_destroy((uint32_t)other);
}

static void copy_across_a_page_fails_the_call(void **state)
{
	xengnttab_grant_copy_segment_t s;
	char got[64];
	uint8_t *mem;
	int dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	uint32_t ref = grant((uint32_t)dom, false, &mem);

	(void)state;
	s = seg_from((uint32_t)dom, ref, got, 64);
	s.source.foreign.offset = 4096 - 63;
	assert_int_equal(xengnttab_grant_copy(gnt, 1, &s), -1);
	assert_int_equal(errno, EINVAL);
	s.source.foreign.offset = 4096 - 64;
	assert_int_equal(xengnttab_grant_copy(gnt, 1, &s), 0);
	s.flags = 0; /* the hypervisor does not copy local to local */
	assert_int_equal(xengnttab_grant_copy(gnt, 1, &s), -1);
	simhv_dom_destroy((uint32_t)dom);
}

static void mapped_grant_is_in_use_until_unmapped(void **state)
{
	uint8_t *a, *b, *at;
	int dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	uint32_t refs[2] = { grant((uint32_t)dom, false, &a), grant((uint32_t)dom, false, &b) };
	uint32_t before = simhv_self()->maps;

	(void)state;
	at = xengnttab_map_domain_grant_refs(gnt, 2, (uint32_t)dom, refs, PROT_READ | PROT_WRITE);
	assert_non_null(at);
	assert_int_equal(simhv_self()->maps, before + 2);
	strcpy((char *)at + 4096, "second");
	assert_string_equal((char *)b, "second");
	assert_false(simhv_grant_end((uint32_t)dom, refs[1]));
	assert_int_equal(xengnttab_unmap(gnt, at, 1), -1);
	assert_int_equal(xengnttab_unmap(gnt, at, 2), 0);
	assert_true(simhv_grant_end((uint32_t)dom, refs[1]));
	assert_int_equal(simhv_self()->maps, before);
	simhv_dom_destroy((uint32_t)dom);
}

static void map_is_all_or_nothing(void **state)
{
	uint8_t *mem;
	int dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	uint32_t refs[2] = { grant((uint32_t)dom, false, &mem), grant((uint32_t)dom, true, &mem) };

	(void)state;
	assert_null(xengnttab_map_domain_grant_refs(gnt, 2, (uint32_t)dom, refs,
						    PROT_READ | PROT_WRITE));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(simhv->dom[dom].maps, 0);
	assert_true(simhv_grant_end((uint32_t)dom, refs[0]));
	simhv_dom_destroy((uint32_t)dom);
}

static void unmap_notifies_byte_and_port(void **state)
{
	int fd, dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	int evh = simhv_evh_open((uint32_t)dom, &fd),
	    port = simhv_port_alloc_unbound((uint32_t)evh, 0);
	int mine = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port);
	uint8_t *mem, *at;
	uint32_t ref = grant((uint32_t)dom, false, &mem);

	(void)state;
	mem[100] = 1;
	at = xengnttab_map_grant_ref_notify(gnt, (uint32_t)dom, ref, PROT_READ | PROT_WRITE, 100,
					    (uint32_t)mine);
	assert_non_null(at);
	assert_int_equal(simhv_evh_next((uint32_t)evh, fd), -EAGAIN);
	assert_int_equal(xengnttab_unmap(gnt, at, 1), 0);
	assert_int_equal(mem[100], 0);
	assert_int_equal(simhv_evh_next((uint32_t)evh, fd), port);
	xenevtchn_unbind(evt, (uint32_t)mine);
	simhv_evh_close((uint32_t)evh, fd);
	simhv_dom_destroy((uint32_t)dom);
}

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void event_is_masked_until_unmask(void **state)
{
	int fd, dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	int evh = simhv_evh_open((uint32_t)dom, &fd),
	    port = simhv_port_alloc_unbound((uint32_t)evh, 0);
	int mine = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port);

	(void)state;
	assert_true(mine > 0);
	/* Once bound it rings once, for notifications lost before */
	assert_true(readable(xenevtchn_fd(evt)));
	assert_int_equal(xenevtchn_pending(evt), mine);
	assert_false(readable(xenevtchn_fd(evt)));
	simhv_port_notify((uint32_t)evh, (uint32_t)port);
	simhv_port_notify((uint32_t)evh, (uint32_t)port);
	assert_false(readable(xenevtchn_fd(evt)));
	assert_int_equal(xenevtchn_unmask(evt, (uint32_t)mine), 0);
	assert_true(readable(xenevtchn_fd(evt)));
	assert_int_equal(xenevtchn_pending(evt), mine);
	assert_int_equal(xenevtchn_unmask(evt, (uint32_t)mine), 0);
	assert_false(readable(xenevtchn_fd(evt)));
	/* the other direction */
	assert_int_equal(xenevtchn_notify(evt, (uint32_t)mine), 0);
	assert_true(readable(fd));
	assert_int_equal(simhv_evh_next((uint32_t)evh, fd), port);
	assert_int_equal(xenevtchn_unbind(evt, (uint32_t)mine), 0);
	assert_int_equal(xenevtchn_notify(evt, (uint32_t)mine), -1);
	simhv_evh_close((uint32_t)evh, fd);
	simhv_dom_destroy((uint32_t)dom);
}

static void closed_port_can_be_bound_again(void **state)
{
	int fd, dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	int evh = simhv_evh_open((uint32_t)dom, &fd),
	    port = simhv_port_alloc_unbound((uint32_t)evh, 0);
	int mine = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port);

	(void)state;
	assert_int_equal(xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(xenevtchn_unbind(evt, (uint32_t)mine), 0);
	assert_int_equal(simhv_port_notify((uint32_t)evh, (uint32_t)port), 0);
	mine = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port);
	assert_true(mine > 0);
	assert_int_equal(xenevtchn_pending(evt), mine);
	simhv_evh_close((uint32_t)evh, fd);
	simhv_dom_destroy((uint32_t)dom);
	assert_int_equal(xenevtchn_unbind(evt, (uint32_t)mine), 0);
	assert_int_equal(xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port), -1);
}

static void three_hundred_binds_in_one_handle(void **state)
{
	int fd, mine[300], port[300], dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	int evh = simhv_evh_open((uint32_t)dom, &fd);
	unsigned int seen = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		port[i] = simhv_port_alloc_unbound((uint32_t)evh, 0);
		mine[i] = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port[i]);
		assert_true(mine[i] > 0);
	}
	for (; readable(xenevtchn_fd(evt)); seen++)
		xenevtchn_unmask(evt, (uint32_t)xenevtchn_pending(evt));
	assert_int_equal(seen, 300);
	for (int i = 0; i < 300; i++)
		assert_int_equal(xenevtchn_unbind(evt, (uint32_t)mine[i]), 0);
	simhv_evh_close((uint32_t)evh, fd);
	simhv_dom_destroy((uint32_t)dom);
}

static void storm_on_one_port_does_not_hide_another(void **state)
{
	int fd, dom = simhv_dom_create(0, SIM_DOM_PV, "g"), a, b, ma, mb, seen = 0;
	int evh = simhv_evh_open((uint32_t)dom, &fd);

	(void)state;
	a = simhv_port_alloc_unbound((uint32_t)evh, 0);
	b = simhv_port_alloc_unbound((uint32_t)evh, 0);
	ma = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)a);
	mb = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)b);
	for (int i = 0; i < 4; i++) {
		int port = xenevtchn_pending(evt);

		seen += port == mb;
		xenevtchn_unmask(evt, (uint32_t)port);
		simhv_port_notify((uint32_t)evh, (uint32_t)a);
	}
	assert_int_equal(seen, 1);
	xenevtchn_unbind(evt, (uint32_t)ma);
	xenevtchn_unbind(evt, (uint32_t)mb);
	simhv_evh_close((uint32_t)evh, fd);
	simhv_dom_destroy((uint32_t)dom);
}

static int domain_state(xc_interface *xch, uint32_t domid, int *hvm)
{
#if SIM_HAVE_XC_DOMAIN_GETINFO
	xc_dominfo_t info;
	int n = xc_domain_getinfo(xch, domid, 1, &info);

	if (n != 1 || info.domid != domid)
		return -1;
	*hvm = info.hvm;
	return info.dying;
#else
	xc_domaininfo_t info;

	if (xc_domain_getinfo_single(xch, domid, &info))
		return -1;
	*hvm = !!(info.flags & XEN_DOMINF_hvm_guest);
	return !!(info.flags & XEN_DOMINF_dying);
#endif
}

static void domain_is_dying_while_mapped(void **state)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	int hvm = -1, dom = simhv_dom_create(0, SIM_DOM_HVM, "g");
	uint8_t *mem;
	uint32_t ref = grant((uint32_t)dom, false, &mem);
	void *at = xengnttab_map_grant_ref(gnt, (uint32_t)dom, ref, PROT_READ);

	(void)state;
	assert_non_null(at);
	assert_int_equal(domain_state(xch, (uint32_t)dom, &hvm), 0);
	assert_int_equal(hvm, 1);
	assert_int_equal(simhv_dom_destroy((uint32_t)dom), 0);
	assert_int_equal(domain_state(xch, (uint32_t)dom, &hvm), 1);
	assert_null(xengnttab_map_grant_ref(gnt, (uint32_t)dom, ref, PROT_READ));
	assert_int_equal(simhv_dom_create((uint32_t)dom, SIM_DOM_PV, "again"), -EEXIST);
	assert_int_equal(xengnttab_unmap(gnt, at, 1), 0);
	assert_int_equal(domain_state(xch, (uint32_t)dom, &hvm), -1);
	assert_int_equal(simhv_dom_create((uint32_t)dom, SIM_DOM_PV, "again"), dom);
	simhv_dom_destroy((uint32_t)dom);
	xc_interface_close(xch);
}

/* The process that the next test kills: map, bind, report, wait */
static int victim(char **argv)
{
	uint32_t dom = (uint32_t)atoi(argv[2]), ref = (uint32_t)atoi(argv[3]);
	xengnttab_handle *g = xengnttab_open(NULL, 0);
	xenevtchn_handle *e = xenevtchn_open(NULL, 0);

	if (!g || !e || !xengnttab_map_grant_ref(g, dom, ref, PROT_READ | PROT_WRITE) ||
	    xenevtchn_bind_interdomain(e, dom, (uint32_t)atoi(argv[4])) < 0)
		return 1;
	if (write(1, "1", 1) != 1)
		return 1;
	return pause();
}

static void killed_process_leaves_nothing(void **state)
{
	int fd, said[2], dom = simhv_dom_create(0, SIM_DOM_PV, "g");
	int evh = simhv_evh_open((uint32_t)dom, &fd),
	    port = simhv_port_alloc_unbound((uint32_t)evh, 0);
	char a[3][16], byte;
	uint8_t *mem;
	uint32_t ref = grant((uint32_t)dom, false, &mem);
	pid_t pid;

	(void)state;
	snprintf(a[0], 16, "%d", dom);
	snprintf(a[1], 16, "%u", ref);
	snprintf(a[2], 16, "%d", port);
	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (!pid) {
		dup2(said[1], 1);
		execl(bed_self, bed_self, "victim", a[0], a[1], a[2], NULL);
		_exit(127);
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	assert_false(simhv_grant_end((uint32_t)dom, ref));
	assert_int_equal(simhv->dom[dom].port[port].state, SIM_PORT_INTERDOMAIN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 200 && simhv->dom[dom].maps; i++)
		usleep(5000);
	assert_int_equal(simhv->dom[dom].maps, 0);
	usleep(20000);
	assert_int_equal(simhv->dom[dom].port[port].state, SIM_PORT_UNBOUND);
	assert_true(simhv_grant_end((uint32_t)dom, ref));
	port = xenevtchn_bind_interdomain(evt, (uint32_t)dom, (uint32_t)port);
	assert_true(port > 0);
	xenevtchn_unbind(evt, (uint32_t)port);
	simhv_evh_close((uint32_t)evh, fd);
	simhv_dom_destroy((uint32_t)dom);
}

static int setup(void **state)
{
	if (bed_start(state))
		return -1;
	gnt = xengnttab_open(NULL, 0);
	evt = xenevtchn_open(NULL, 0);
	return gnt && evt ? 0 : -1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_goes_both_ways),
		cmocka_unit_test(copy_from_grant_to_grant),
		cmocka_unit_test(copy_reports_each_bad_grant_alone),
		cmocka_unit_test(copy_across_a_page_fails_the_call),
		cmocka_unit_test(mapped_grant_is_in_use_until_unmapped),
		cmocka_unit_test(map_is_all_or_nothing),
		cmocka_unit_test(unmap_notifies_byte_and_port),
		cmocka_unit_test(event_is_masked_until_unmask),
		cmocka_unit_test(closed_port_can_be_bound_again),
		cmocka_unit_test(three_hundred_binds_in_one_handle),
		cmocka_unit_test(storm_on_one_port_does_not_hide_another),
		cmocka_unit_test(domain_is_dying_while_mapped),
		cmocka_unit_test(killed_process_leaves_nothing),
	};

	if (argc > 1 && !strcmp(argv[1], "victim"))
		return victim(argv);
	return cmocka_run_group_tests(tests, setup, bed_stop);
}
