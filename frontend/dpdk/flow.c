/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow: rules that the back end checks and enforces (doc/flow-rules.md).
 *
 * The back end knows the rules of a connection. So they are kept here as they were sent, in the
 * order of their creation, and sent again after each new connection before the first frame can
 * come. They end when the application stops the port.
 */
#include "flow_rule.h"

/** struct rte_flow - A rule; what applications have the address of */
struct rte_flow {
	struct rte_flow *next;
	bool in_force, counts;
	struct vifflow_rule rule;
};

#define STATE(code, text) rte_flow_error_set(error, code, RTE_FLOW_ERROR_TYPE_STATE, NULL, text)

static bool takes_rules(const struct vifcap *theirs)
{
	return vifcap_has(theirs, VIFCAP_WORD_FLOWS) && theirs->flows;
}

/* Return: 0: messages can be sent */
static int ready(struct xf_port *port, struct rte_flow_error *error)
{
	if (!port->connected)
		return STATE(EAGAIN, port->started ? "the port is not connected now" :
						     "the port is not started");
	if (!port->ctrl.usable)
		return STATE(EIO, "there is no control ring");
	if (!xf_record_await(port) || !takes_rules(&port->record.theirs))
		return STATE(ENOTSUP, "the back end takes no flow rules");
	return 0;
}

/* Return: 0; -EINVAL: refused, @data says why; other errors: no answer, or an unexpected one */
static int send_rule(struct xf_port *port, uint16_t type, const struct vifflow_rule *rule,
		     uint32_t *data)
{
	uint32_t ref;
	void *page = xf_ctrl_list(port, &ref);

	*data = VIFFLOW_REASON_NONE;
	if (!page)
		return -EIO;
	memcpy(page, rule, sizeof(*rule));
	return xf_ctrl_call(port, type, ref, 0, 0, data);
}

/*
 * What ends rules, or the isolated mode. A back end that takes no rules any longer has none either;
 * but if it cannot be asked, it has them still.
 *
 * Return: 0; -EINVAL: refused, @data says why; other errors: no answer
 */
static int send_end(struct xf_port *port, uint16_t type, uint32_t what, uint32_t *data)
{
	int err;

	*data = VIFFLOW_REASON_NONE;
	if (!port->ctrl.usable)
		return -EIO;
	err = xf_ctrl_call(port, type, what, 0, 0, data);
	return err == -EOPNOTSUPP ? 0 : err;
}

static int unanswered(int err, struct rte_flow_error *error)
{
	if (err == -EOPNOTSUPP)
		return STATE(ENOTSUP, "the back end takes no flow rules");
	return STATE(-err, "the back end does not answer, or wrongly");
}

static int try_rule(struct xf_port *port, uint16_t type, const struct xf_flow_draft *draft,
		    struct rte_flow_error *error)
{
	uint32_t data;
	int err = send_rule(port, type, &draft->rule, &data);

	if (err == -EINVAL)
		return xf_flow_refused(data, draft, error);
	return err ? unanswered(err, error) : 0;
}

static struct rte_flow **place_of(struct xf_port *port, const struct rte_flow *flow)
{
	struct rte_flow **at = &port->flows.first;

	while (*at && *at != flow)
		at = &(*at)->next;
	return at;
}

static uint32_t unused_id(struct xf_port *port)
{
	const struct rte_flow *flow;

	do {
		port->flows.last_id++;
		for (flow = port->flows.first; flow; flow = flow->next)
			if (flow->rule.id == port->flows.last_id)
				break;
	} while (flow);
	return port->flows.last_id;
}

static int prepare(struct xf_port *port, const struct rte_flow_attr *attr,
		   const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		   struct xf_flow_draft *draft, struct rte_flow_error *error)
{
	int err = ready(port, error);

	if (!err)
		err = xf_flow_translate(port, attr, pattern, actions, draft, error);
	if (!err && port->flows.nr >= VIFFLOW_RULES_MAX)
		err = STATE(ENOSPC, "as many rules as a port can have");
	if (!err)
		draft->rule.id = unused_id(port);
	return err;
}

static int validate(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
		    const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
		    struct rte_flow_error *error)
{
	struct xf_port *port = xf_port_of(dev);
	struct xf_flow_draft draft;
	int err;

	xf_lock(port);
	err = prepare(port, attr, pattern, actions, &draft, error);
	if (!err)
		err = try_rule(port, VIFFLOW_CTRL_VALIDATE, &draft, error);
	xf_unlock(port);
	return err;
}

static struct rte_flow *create_locked(struct xf_port *port, const struct xf_flow_draft *draft,
				      struct rte_flow_error *error)
{
	struct rte_flow *flow = calloc(1, sizeof(*flow));

	if (!flow) {
		STATE(ENOMEM, "out of memory");
		return NULL;
	}
	if (try_rule(port, VIFFLOW_CTRL_CREATE, draft, error)) {
		free(flow);
		return NULL;
	}
	flow->rule = draft->rule;
	flow->counts = draft->counts;
	flow->in_force = true;
	*place_of(port, NULL) = flow;
	port->flows.nr++;
	port->flows.in_force++;
	return flow;
}

static struct rte_flow *create(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
			       const struct rte_flow_item pattern[],
			       const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	struct xf_port *port = xf_port_of(dev);
	struct xf_flow_draft draft;
	struct rte_flow *flow = NULL;

	xf_lock(port);
	if (!prepare(port, attr, pattern, actions, &draft, error))
		flow = create_locked(port, &draft, error);
	xf_unlock(port);
	return flow;
}

static void forget(struct xf_port *port, struct rte_flow **at)
{
	struct rte_flow *flow = *at;

	*at = flow->next;
	port->flows.nr--;
	port->flows.in_force -= flow->in_force;
	free(flow);
}

/* A rule that the back end does not have is as good as destroyed */
static int destroy_locked(struct xf_port *port, struct rte_flow **at, struct rte_flow_error *error)
{
	uint32_t data;
	int err = 0;

	if ((*at)->in_force)
		err = send_end(port, VIFFLOW_CTRL_DESTROY, (*at)->rule.id, &data);
	if (err && (err != -EINVAL || VIFFLOW_REASON(data) != VIFFLOW_REASON_ABSENT))
		return rte_flow_error_set(error, -err, RTE_FLOW_ERROR_TYPE_HANDLE, *at,
					  err == -EINVAL ? xf_flow_reason(data) :
							   "the back end does not answer");
	forget(port, at);
	return 0;
}

static int no_such(const struct rte_flow *flow, struct rte_flow_error *error)
{
	return rte_flow_error_set(error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				  "this port has no such rule");
}

static int destroy(struct rte_eth_dev *dev, struct rte_flow *flow, struct rte_flow_error *error)
{
	struct xf_port *port = xf_port_of(dev);
	struct rte_flow **at;
	int err;

	xf_lock(port);
	at = place_of(port, flow);
	err = *at ? destroy_locked(port, at, error) : no_such(flow, error);
	xf_unlock(port);
	return err;
}

static int flush(struct rte_eth_dev *dev, struct rte_flow_error *error)
{
	struct xf_port *port = xf_port_of(dev);
	uint32_t data;
	int err = 0;

	xf_lock(port);
	if (port->flows.in_force)
		err = send_end(port, VIFFLOW_CTRL_FLUSH, 0, &data);
	if (err)
		err = unanswered(err, error);
	else
		xf_flows_free(port);
	xf_unlock(port);
	return err;
}

static int read_count(struct xf_port *port, const struct rte_flow *flow,
		      struct rte_flow_query_count *count, struct rte_flow_error *error)
{
	struct vifflow_count got;
	uint32_t ref, data = VIFFLOW_REASON_NONE;
	void *page = xf_ctrl_list(port, &ref);
	int err;

	if (!page)
		return STATE(EIO, "there is no control ring");
	err = xf_ctrl_call(port, VIFFLOW_CTRL_QUERY, flow->rule.id, ref,
			   count->reset ? VIFFLOW_QUERY_RESET : 0, &data);
	if (err == -EINVAL)
		return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
					  xf_flow_reason(data));
	if (err)
		return unanswered(err, error);
	memcpy(&got, page, sizeof(got));
	count->hits_set = count->bytes_set = 1;
	count->hits = got.frames;
	count->bytes = got.bytes;
	return 0;
}

static int query_locked(struct xf_port *port, const struct rte_flow *flow,
			const struct rte_flow_action *action, void *data,
			struct rte_flow_error *error)
{
	if (!*place_of(port, flow))
		return no_such(flow, error);
	while (action->type == RTE_FLOW_ACTION_TYPE_VOID)
		action++;
	if (action->type != RTE_FLOW_ACTION_TYPE_COUNT || !flow->counts)
		return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, action,
					  "only a rule's own count can be queried");
	if (!flow->in_force)
		return rte_flow_error_set(error, EAGAIN, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
					  "the rule is not in force: the port is not connected, or "
					  "its new back end refused it");
	return read_count(port, flow, data, error);
}

static int query(struct rte_eth_dev *dev, struct rte_flow *flow,
		 const struct rte_flow_action *action, void *data, struct rte_flow_error *error)
{
	struct xf_port *port = xf_port_of(dev);
	int err;

	xf_lock(port);
	err = query_locked(port, flow, action, data, error);
	xf_unlock(port);
	return err;
}

static int start_isolation(struct xf_port *port, struct rte_flow_error *error)
{
	int err = ready(port, error);

	if (err)
		return err;
	err = xf_ctrl_call(port, VIFFLOW_CTRL_ISOLATE, 1, 0, 0, NULL);
	return err ? unanswered(err, error) : 0;
}

static int end_isolation(struct xf_port *port, struct rte_flow_error *error)
{
	uint32_t data;
	int err = port->flows.isolates ? send_end(port, VIFFLOW_CTRL_ISOLATE, 0, &data) : 0;

	return err ? unanswered(err, error) : 0;
}

static int isolate(struct rte_eth_dev *dev, int set, struct rte_flow_error *error)
{
	struct xf_port *port = xf_port_of(dev);
	int err = 0;

	xf_lock(port);
	if (port->connected)
		err = set ? start_isolation(port, error) : end_isolation(port, error);
	if (!err) {
		port->flows.isolated = set;
		port->flows.isolates = set && port->connected;
	}
	xf_unlock(port);
	return err;
}

static const struct rte_flow_ops flow_ops = {
	.validate = validate,
	.create = create,
	.destroy = destroy,
	.flush = flush,
	.query = query,
	.isolate = isolate,
};

int xf_flow_ops_get(struct rte_eth_dev *dev, const struct rte_flow_ops **ops)
{
	(void)dev;
	*ops = &flow_ops;
	return 0;
}

int xf_rx_metadata_negotiate(struct rte_eth_dev *dev, uint64_t *features)
{
	*features &= RTE_ETH_RX_METADATA_USER_MARK;
	xf_port_of(dev)->flows.no_marks = !*features;
	return 0;
}

static void restore_rule(struct xf_port *port, struct rte_flow *flow)
{
	uint32_t data;
	int err = send_rule(port, VIFFLOW_CTRL_CREATE, &flow->rule, &data);

	flow->in_force = !err;
	port->flows.in_force += flow->in_force;
	if (err)
		XF_LOG(WARNING, port, "flow rule %u is not in force any more: %s", flow->rule.id,
		       err == -EINVAL ? xf_flow_reason(data) : strerror(-err));
}

void xf_flows_restore(struct xf_port *port)
{
	struct xf_flows *flows = &port->flows;
	struct rte_flow *flow;

	if (flows->in_force || (!flows->first && !flows->isolated))
		return;
	if (ready(port, NULL)) {
		XF_LOG(WARNING, port,
		       "the back end takes no flow rules: %" PRIu64 " are not in force%s",
		       flows->nr, flows->isolated ? ", and the port is not isolated" : "");
		return;
	}
	if (flows->isolated) {
		flows->isolates = !xf_ctrl_call(port, VIFFLOW_CTRL_ISOLATE, 1, 0, 0, NULL);
		if (!flows->isolates)
			XF_LOG(WARNING, port, "the back end does not isolate the port");
	}
	for (flow = flows->first; flow; flow = flow->next)
		restore_rule(port, flow);
}

/* A back end that was restarted without what it had kept goes on without rules, and says nothing */
static bool are_lost(struct xf_port *port)
{
	uint32_t ref, data = VIFFLOW_REASON_NONE;
	const struct rte_flow *flow = port->flows.first;
	int err;

	while (flow && !flow->in_force)
		flow = flow->next;
	if (!flow || !xf_ctrl_list(port, &ref))
		return false;
	err = xf_ctrl_call(port, VIFFLOW_CTRL_QUERY, flow->rule.id, ref, 0, &data);
	return err == -EOPNOTSUPP ||
	       (err == -EINVAL && VIFFLOW_REASON(data) == VIFFLOW_REASON_ABSENT);
}

void xf_flows_follow(struct xf_port *port)
{
	if (are_lost(port)) {
		XF_LOG(NOTICE, port, "the back end has lost the flow rules; they are sent again");
		xf_flows_lost(port);
	}
	xf_flows_restore(port);
}

void xf_flows_lost(struct xf_port *port)
{
	for (struct rte_flow *flow = port->flows.first; flow; flow = flow->next)
		flow->in_force = false;
	port->flows.in_force = 0;
	port->flows.isolates = false;
}

void xf_flows_free(struct xf_port *port)
{
	while (port->flows.first)
		forget(port, &port->flows.first);
}
