// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-vpf: a guest's virtual PF. Connects vif 0 of a domain with its control ring, and sends the
 * messages of common/virtual_pf.h that it reads from stdin.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/virtual_pf.h"
#include "../guest/simguest.h"

static const char help[] =
	"Usage: simguest-vpf DOMID\n"
	"Reads lines from stdin, prints an answer to each; numbers may be hexadecimal:\n"
	"  enable N               as echo N >sriov_numvfs\n"
	"  set VF ATTR A [B]      ATTR mac, vlan, rate, spoofchk, trust, link or a number; A and B its words\n"
	"  query VF               what is in force\n"
	"  states VF              of this VF and those behind it: how many, and the vif's handle of each\n"
	"  rule ID VF FATE WORD.. FATE pass, drop, to=VF or a number; WORD pop, push=TAG, prio=N, items=N,\n"
	"                         type=ETHERTYPE, dst=PORT (UDP over IPv4), ipv6 (its header, all of it)\n"
	"  unrule ID              destroys a rule\n"
	"  flush                  destroys all\n"
	"  counts                 frames that each rule has matched, ID=N\n"
	"  raw TYPE A B C         any message\n"
	"  reconnect              closes and connects again\n"
	"  quit                   closes and ends, as at the end of stdin\n"
	"Answers: \"ok DATA\", \"refused REASON\", \"unsupported\", \"error ERRNO\", or what query found.\n";

static struct simguest *guest;

static uint32_t number(const char *text)
{
	return text ? (uint32_t)strtoull(text, NULL, 0) : 0;
}

static uint32_t attribute(const char *name)
{
	static const char *const names[] = {
		"", "mac", "vlan", "rate", "spoofchk", "trust", "link"
	};

	for (uint32_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (name && !strcmp(names[i], name))
			return i;
	return number(name);
}

/* Return: the message succeeded */
static bool say(int status, uint32_t data)
{
	if (status < 0)
		printf("error %d\n", -status);
	else if (status == NETIF_CTRL_STATUS_NOT_SUPPORTED)
		puts("unsupported");
	else if (status)
		printf("refused %u\n", data);
	return status == NETIF_CTRL_STATUS_SUCCESS;
}

static void send_message(uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t data = 0;
	int status = simguest_ctrl(guest, type, a, b, c, &data);

	if (say(status, data))
		printf("ok %u\n", data);
}

static void query(uint32_t index)
{
	const uint8_t *page = simhv_mem(guest->config.domid) + (size_t)guest->list_gfn * SIM_PAGE;
	struct vifvpf_state state;
	uint32_t data = 0;
	int status = simguest_ctrl(guest, VIFVPF_CTRL_QUERY, index, guest->list_gref, 0, &data);

	if (!say(status, data))
		return;
	memcpy(&state, page, sizeof(state));
	printf("mac=%02x:%02x:%02x:%02x:%02x:%02x vlan=%u priority=%u rate=%u..%u spoofchk=%u "
	       "trust=%u link=%u connected=%u handle=%u tx=%llu rx=%llu\n",
	       state.mac[0], state.mac[1], state.mac[2], state.mac[3], state.mac[4], state.mac[5],
	       state.vlan, state.priority, state.rate_min, state.rate_max, state.spoofchk,
	       state.trust, state.link, state.connected, state.handle,
	       (unsigned long long)state.tx_frames, (unsigned long long)state.rx_frames);
}

static void list_states(uint32_t index)
{
	const struct vifvpf_state *states =
		(const void *)(simhv_mem(guest->config.domid) + (size_t)guest->list_gfn * SIM_PAGE);
	uint32_t nr = 0;
	int status = simguest_ctrl(guest, VIFVPF_CTRL_QUERY, index, guest->list_gref, 0, &nr);

	if (!say(status, nr))
		return;
	printf("%u:", nr);
	for (uint32_t i = 0; i < nr && i < VIFVPF_STATES_MAX; i++)
		if (states[i].gone)
			printf(" gone");
		else
			printf(" %u", states[i].handle);
	puts("");
}

static void *list_page(void)
{
	return simhv_mem(guest->config.domid) + (size_t)guest->list_gfn * SIM_PAGE;
}

/* Return: the value of NAME=VALUE, NULL: the word is another one */
static const char *value_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(word, name, len) && word[len] == '=' ? word + len + 1 : NULL;
}

static void set_fate(struct vifvpf_rule *rule, const char *word)
{
	const char *to = value_of(word, "to");

	rule->fate = (uint8_t)number(word);
	if (!strcmp(word, "pass"))
		rule->fate = VIFVPF_FATE_PASS;
	if (!strcmp(word, "drop"))
		rule->fate = VIFVPF_FATE_DROP;
	if (!to)
		return;
	rule->fate = VIFVPF_FATE_REDIRECT;
	rule->to = (uint16_t)number(to);
}

static void match_port(struct vifvpf_rule *rule, uint32_t port)
{
	static const uint16_t types[] = { VIFFLOW_ITEM_ETH, VIFFLOW_ITEM_IPV4, VIFFLOW_ITEM_UDP };

	rule->nr_items = 3;
	for (uint32_t i = 0; i < 3; i++)
		rule->items[i].type = types[i];
	rule->items[2].spec[2] = (uint8_t)(port >> 8);
	rule->items[2].spec[3] = (uint8_t)port;
	memset(rule->items[2].mask + 2, 0xff, 2);
}

static void set_word(struct vifvpf_rule *rule, const char *word)
{
	const char *value;

	if (!strcmp(word, "pop"))
		rule->tags |= VIFVPF_RULE_POP;
	if ((value = value_of(word, "push"))) {
		rule->tags |= VIFVPF_RULE_PUSH;
		rule->tag = (uint16_t)number(value);
	}
	if ((value = value_of(word, "prio")))
		rule->priority = number(value);
	if ((value = value_of(word, "items")))
		rule->nr_items = (uint16_t)number(value);
	if ((value = value_of(word, "dst")))
		match_port(rule, number(value));
	if ((value = value_of(word, "type"))) {
		rule->items[0].spec[12] = (uint8_t)(number(value) >> 8);
		rule->items[0].spec[13] = (uint8_t)number(value);
		memset(rule->items[0].mask + 12, 0xff, 2);
	}
	if (!strcmp(word, "ipv6")) {
		rule->nr_items = 2;
		rule->items[1].type = VIFFLOW_ITEM_IPV6;
		memset(rule->items[1].mask, 0xff, VIFFLOW_HEADER_MAX);
	}
}

/* @rest: the words after "rule" */
static void create_rule(char *rest)
{
	struct vifvpf_rule *rule = list_page();
	const char *word;

	memset(rule, 0, sizeof(*rule));
	rule->nr_items = 1;
	rule->items[0].type = VIFFLOW_ITEM_ETH;
	rule->id = number(strsep(&rest, " "));
	rule->vf = (uint16_t)number(strsep(&rest, " "));
	word = strsep(&rest, " ");
	set_fate(rule, word ? word : "");
	while ((word = strsep(&rest, " ")))
		set_word(rule, word);
	send_message(VIFVPF_CTRL_RULE_CREATE, guest->list_gref, 0, 0);
}

static void show_counts(void)
{
	const struct vifvpf_count *counts = list_page();
	uint32_t nr = 0;
	int status = simguest_ctrl(guest, VIFVPF_CTRL_RULE_COUNTS, 0, guest->list_gref, 0, &nr);

	if (!say(status, nr))
		return;
	printf("counts");
	for (uint32_t i = 0; i < nr && i < VIFVPF_COUNTS_MAX; i++)
		printf(" %u=%llu", counts[i].id, (unsigned long long)counts[i].frames);
	puts("");
}

static void reconnect(void)
{
	int in_use = simguest_disconnect(guest), ret = in_use ? -EBUSY : simguest_connect(guest);

	if (say(ret, 0))
		puts("ok 0");
}

static void run(char *line)
{
	char *words[5] = { NULL }, *rest = line;

	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "rule ", 5)) {
		create_rule(line + 5);
		fflush(stdout);
		return;
	}
	for (uint32_t i = 0; i < 5; i++)
		words[i] = strsep(&rest, " ");
	if (!strcmp(words[0], "enable"))
		send_message(VIFVPF_CTRL_ENABLE, number(words[1]), 0, 0);
	else if (!strcmp(words[0], "set"))
		send_message(VIFVPF_CTRL_SET, VIFVPF_SET(number(words[1]), attribute(words[2])),
			     number(words[3]), number(words[4]));
	else if (!strcmp(words[0], "query"))
		query(number(words[1]));
	else if (!strcmp(words[0], "states"))
		list_states(number(words[1]));
	else if (!strcmp(words[0], "unrule"))
		send_message(VIFVPF_CTRL_RULE_DESTROY, number(words[1]), 0, 0);
	else if (!strcmp(words[0], "flush"))
		send_message(VIFVPF_CTRL_RULE_FLUSH, 0, 0, 0);
	else if (!strcmp(words[0], "counts"))
		show_counts();
	else if (!strcmp(words[0], "raw"))
		send_message((uint16_t)number(words[1]), number(words[2]), number(words[3]),
			     number(words[4]));
	else if (!strcmp(words[0], "reconnect"))
		reconnect();
	else
		puts("what?");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct simguest_config c = { .ctrl_ring = true };
	char line[128];
	int in_use;

	if (argc != 2 || atoi(argv[1]) < 1) {
		fputs(help, stderr);
		return 2;
	}
	c.domid = (uint32_t)atoi(argv[1]);
	guest = simguest_open(&c);
	if (!guest || simguest_connect(guest) || !guest->ctrls) {
		fprintf(stderr, "simguest-vpf: vif %u.0 does not connect with a control ring\n",
			c.domid);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "quit\n") != 0)
		run(line);
	in_use = simguest_close(guest);
	fprintf(stderr, "in_use %d\n", in_use);
	return in_use ? 1 : 0;
}
