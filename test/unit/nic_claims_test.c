/* SPDX-License-Identifier: BSD-3-Clause */
/* links: vif/nic_claims.c vif/deserve.c policy/policy.c policy/words.c xen/store.c log.c test/unit/fake_xs.c */
/* What vifs claim of their NICs, added up while policies and NICs change and vifs go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vif/vif.h"

#define MBPS 100u
#define VFS 2u

/* Only their addresses matter. */
static char first_nic, second_nic;
static struct host host;
static struct vif vifs[3];

uint32_t nic_capacity_mbps(struct nic *nic)
{
	(void)nic;
	return MBPS;
}

uint32_t nic_vf_count(struct nic *nic, uint32_t *total)
{
	(void)nic;
	*total = VFS;
	return 0;
}

static struct rate mbps_of(uint32_t mbps)
{
	return (struct rate){ .bytes = mbps * 125ull, .us = 1000 };
}

static int setup(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	memset(vifs, 0, sizeof(vifs));
	host.nr_nics = 2;
	host.nics[0] = (struct nic *)&first_nic;
	host.nics[1] = (struct nic *)&second_nic;
	for (uint32_t i = 0; i < 3; i++) {
		vifs[i].host = &host;
		vifs[i].nic = host.nics[0];
	}
	return 0;
}

static void takes(struct vif *vif, uint32_t mbps, enum policy_vf vf)
{
	vif->policy.draft.guaranteed = mbps_of(mbps);
	vif->policy.draft.vf = vf;
	vif->policy.valid = true;
	nic_claims_update(vif);
}

static int admits(const struct vif *vif, uint32_t mbps, enum policy_vf vf)
{
	struct policy_draft draft = { .guaranteed = mbps_of(mbps), .vf = vf };
	char why[POLICY_ERROR_MAX];

	return nic_claims_admit(vif, &draft, why);
}

static void others_leave_what_they_are_not_guaranteed(void **state)
{
	(void)state;
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[2]), 0);
	takes(&vifs[0], 30, POLICY_VF_PREFER);
	takes(&vifs[1], 20, POLICY_VF_PREFER);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[0]), 80);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[1]), 70);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[2]), 50);
	assert_int_equal(admits(&vifs[2], 50, POLICY_VF_PREFER), 0);
	assert_int_equal(admits(&vifs[2], 51, POLICY_VF_PREFER), -ENOSPC);
	assert_int_equal(admits(&vifs[0], 80, POLICY_VF_PREFER), 0);
	assert_int_equal(admits(&vifs[0], 81, POLICY_VF_PREFER), -ENOSPC);
}

static void former_claim_is_taken_back(void **state)
{
	(void)state;
	takes(&vifs[0], 30, POLICY_VF_REQUIRE);
	takes(&vifs[0], 30, POLICY_VF_REQUIRE);
	takes(&vifs[1], 20, POLICY_VF_REQUIRE);
	assert_int_equal(admits(&vifs[2], 0, POLICY_VF_REQUIRE), -ENOSPC);
	takes(&vifs[0], 0, POLICY_VF_PREFER);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[2]), 80);
	assert_int_equal(admits(&vifs[2], 80, POLICY_VF_REQUIRE), 0);
	nic_claims_forget(&vifs[1]);
	nic_claims_forget(&vifs[1]);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[2]), 0);
}

static void claim_follows_the_vif_to_another_nic(void **state)
{
	(void)state;
	takes(&vifs[0], 30, POLICY_VF_REQUIRE);
	vifs[1].nic = host.nics[1];
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[1]), 0);
	vifs[0].nic = host.nics[1];
	/* not told yet: it counts where it did, and as another's here */
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[2]), 70);
	nic_claims_update(&vifs[0]);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[2]), 0);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[1]), 70);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[0]), 0);
}

static void vif_without_a_nic_or_a_valid_policy_claims_nothing(void **state)
{
	(void)state;
	vifs[0].nic = NULL;
	takes(&vifs[0], 30, POLICY_VF_REQUIRE);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[0]), 0);
	assert_int_equal(admits(&vifs[0], 500, POLICY_VF_REQUIRE), 0);
	takes(&vifs[1], 30, POLICY_VF_REQUIRE);
	vifs[1].policy.valid = false;
	nic_claims_update(&vifs[1]);
	assert_int_equal(nic_claims_ceiling_mbps(&vifs[2]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(others_leave_what_they_are_not_guaranteed, setup),
		cmocka_unit_test_setup(former_claim_is_taken_back, setup),
		cmocka_unit_test_setup(claim_follows_the_vif_to_another_nic, setup),
		cmocka_unit_test_setup(vif_without_a_nic_or_a_valid_policy_claims_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
