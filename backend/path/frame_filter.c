/* SPDX-License-Identifier: BSD-3-Clause */
#define ALLOW_EXPERIMENTAL_API
#include "frame_filter.h"

#include <stdlib.h>

#include <rte_bpf.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "base/vlan.h"

/* libpcap's, which rte_bpf_convert() takes; nothing else of libpcap is needed here */
struct bpf_program {
	unsigned int bf_len;
	struct sock_filter *bf_insns;
};

/* @bpf: interpreted where @jit.func is NULL: rte_bpf has no compiler for this processor */
struct frame_filter {
	struct rte_bpf *bpf;
	struct rte_bpf_jit jit;
};

/* Offsets from SKF_AD_OFF on name what the kernel keeps beside a frame, from SKF_LL_OFF on its layers. */
static bool asks_kernel(const struct sock_filter *code, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		uint16_t class = BPF_CLASS(code[i].code), mode = BPF_MODE(code[i].code);

		if ((class == BPF_LD || class == BPF_LDX) && (mode == BPF_ABS || mode == BPF_MSH) &&
		    (int32_t)code[i].k < 0)
			return true;
	}
	return false;
}

static bool wants_nothing(const struct sock_filter *code)
{
	return BPF_CLASS(code[0].code) == BPF_RET && BPF_RVAL(code[0].code) == BPF_K && !code[0].k;
}

static struct rte_bpf *load(const struct sock_filter *code, uint32_t len)
{
	struct bpf_program program = { .bf_len = len,
				       .bf_insns = (struct sock_filter *)(uintptr_t)code };
	struct rte_bpf_prm *params = rte_bpf_convert(&program);
	struct rte_bpf *bpf;

	if (!params)
		return NULL;
	bpf = rte_bpf_load(params);
	rte_free(params);
	return bpf;
}

struct frame_filter *frame_filter_create(const struct sock_filter *code, uint32_t len)
{
	struct frame_filter *filter;
	struct rte_bpf *bpf;

	if (!len || wants_nothing(code) || asks_kernel(code, len))
		return NULL;
	bpf = load(code, len);
	if (!bpf)
		return NULL;
	filter = calloc(1, sizeof(*filter));
	if (!filter) {
		rte_bpf_destroy(bpf);
		return NULL;
	}
	filter->bpf = bpf;
	rte_bpf_get_jit(bpf, &filter->jit);
	return filter;
}

void frame_filter_destroy(struct frame_filter *filter)
{
	if (!filter)
		return;
	rte_bpf_destroy(filter->bpf);
	free(filter);
}

bool frame_filter_wants(const struct frame_filter *filter, const struct rte_mbuf *frame)
{
	void *arg = (void *)(uintptr_t)frame;

	if (vlan_is_tag(vlan_type_at(rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len,
				     VLAN_OUTERMOST)))
		return true;
	return filter->jit.func ? filter->jit.func(arg) : rte_bpf_exec(filter->bpf, arg);
}
