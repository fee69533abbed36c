// SPDX-License-Identifier: GPL-2.0
/* The operations of vifront_pf, while it is loaded. */
#include <linux/mutex.h>

#include "vif.h"
#include "vifront.h"

static DEFINE_MUTEX(hook_lock);
static const struct vifront_pf_ops *hook_ops; /* under hook_lock */

/* NULL: vifront_pf is unloaded, after it has given everything back. */
void vifront_pf_set(const struct vifront_pf_ops *ops)
{
	mutex_lock(&hook_lock);
	if (!ops && hook_ops)
		hook_ops->stop();
	hook_ops = ops;
	mutex_unlock(&hook_lock);
}

/* After the record of @fe was read. */
void vifront_pf_changed(struct vifront *fe)
{
	mutex_lock(&hook_lock);
	if (hook_ops && !READ_ONCE(fe->stopping))
		hook_ops->changed(fe);
	mutex_unlock(&hook_lock);
}

/* Before the removal of @fe; vifront_pf uses it no more. */
void vifront_pf_gone(struct vifront *fe)
{
	mutex_lock(&hook_lock);
	WRITE_ONCE(fe->stopping, true);
	if (hook_ops)
		hook_ops->gone(fe);
	mutex_unlock(&hook_lock);
}
