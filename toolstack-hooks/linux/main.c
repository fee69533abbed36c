// SPDX-License-Identifier: GPL-2.0
/* The device file, and what was asked of netdevs until vifd reads it. */
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vifd_rep.h"

DEFINE_MUTEX(rep_lock);
struct rep *rep_slots[REP_SLOTS_MAX];
struct rep_names rep_names;

static atomic_t users = ATOMIC_INIT(0);

static DEFINE_SPINLOCK(requests_lock);
static LIST_HEAD(requests);
static DECLARE_WAIT_QUEUE_HEAD(readers);

/* Those that vifd does not have any more; unregistering takes long, so it is not vifd that waits. */
static LIST_HEAD(going);

static void destroy_going(struct work_struct *work)
{
	LIST_HEAD(list);

	mutex_lock(&rep_lock);
	list_splice_init(&going, &list);
	mutex_unlock(&rep_lock);
	rep_destroy(&list);
}

static DECLARE_WORK(destroyer, destroy_going);

/* Those that differ from what holds, or from what was asked before and vifd has not read. */
static void keep_flags(struct rep_request *request, u32 flags, u32 now)
{
	u32 wanted = (now & ~request->flags_mask) | (request->flags & request->flags_mask);

	request->flags_mask |= flags ^ wanted;
	request->flags = flags;
}

/* With requests_lock. */
static void keep(struct rep *rep, u32 what, u32 value)
{
	if (rep->going)
		return;
	rep->request.what |= what;
	if (what == REP_UP)
		rep->request.up = value;
	else if (what == REP_MTU)
		rep->request.mtu = value;
	else if (what == REP_FLAGS)
		keep_flags(&rep->request, value, READ_ONCE(rep->page->flags));
	else
		rep->request.capture = value;
	if (list_empty(&rep->waiting))
		list_add_tail(&rep->waiting, &requests);
}

void rep_ask(struct rep *rep, u32 what, u32 value)
{
	unsigned long flags;

	spin_lock_irqsave(&requests_lock, flags);
	keep(rep, what, value);
	spin_unlock_irqrestore(&requests_lock, flags);
	wake_up_interruptible(&readers);
}

/* With requests_lock. */
static int keep_command(struct rep *rep, u32 command)
{
	if (rep->going)
		return -ENODEV;
	if (rep->nr_commands == REP_COMMANDS_MAX)
		return -EBUSY;
	rep->command[(rep->first_command + rep->nr_commands) % REP_COMMANDS_MAX] = command;
	rep->nr_commands++;
	if (list_empty(&rep->waiting))
		list_add_tail(&rep->waiting, &requests);
	return 0;
}

int rep_command(struct rep *rep, u32 command)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&requests_lock, flags);
	ret = keep_command(rep, command);
	spin_unlock_irqrestore(&requests_lock, flags);
	wake_up_interruptible(&readers);
	if (ret == -EBUSY && net_ratelimit())
		netdev_warn(rep->dev, "private flags: %u commands wait for vifd, no room for 0x%08x\n",
			    REP_COMMANDS_MAX, command);
	return ret;
}

void rep_look(struct rep *rep)
{
	bool capturing, changed;
	unsigned long flags;

	spin_lock_irqsave(&requests_lock, flags);
	capturing = !list_empty(&rep->dev->ptype_all);
	changed = capturing != rep->capturing;
	rep->capturing = capturing;
	if (changed)
		keep(rep, REP_CAPTURE, capturing);
	spin_unlock_irqrestore(&requests_lock, flags);
	if (changed)
		wake_up_interruptible(&readers);
}

bool rep_is_asked(struct rep *rep, u32 what)
{
	unsigned long flags;
	bool asked;

	spin_lock_irqsave(&requests_lock, flags);
	asked = rep->request.what & what;
	spin_unlock_irqrestore(&requests_lock, flags);
	return asked;
}

/* Nothing is asked of it from now on. */
static void silence(struct rep *rep)
{
	unsigned long flags;

	spin_lock_irqsave(&requests_lock, flags);
	rep->going = true;
	list_del_init(&rep->waiting);
	spin_unlock_irqrestore(&requests_lock, flags);
}

/* With requests_lock. The next command has its turn after the other netdevs. */
static void take_command(struct rep *rep, struct rep_request *request)
{
	request->what |= REP_COMMAND;
	request->command = rep->command[rep->first_command];
	rep->first_command = (rep->first_command + 1) % REP_COMMANDS_MAX;
	rep->nr_commands--;
}

/* Return: false: nothing was asked */
static bool take_request(struct rep_request *request)
{
	unsigned long flags;
	struct rep *rep;

	spin_lock_irqsave(&requests_lock, flags);
	rep = list_first_entry_or_null(&requests, struct rep, waiting);
	if (rep) {
		*request = rep->request;
		request->slot = rep->slot;
		rep->request.what = 0;
		rep->request.flags_mask = 0;
		if (rep->nr_commands)
			take_command(rep, request);
		if (rep->nr_commands)
			list_move_tail(&rep->waiting, &requests);
		else
			list_del_init(&rep->waiting);
	}
	spin_unlock_irqrestore(&requests_lock, flags);
	return rep;
}

static struct rep *rep_of(u32 slot)
{
	return slot < REP_SLOTS_MAX ? rep_slots[slot] : NULL;
}

/* Commands fill all flags. */
static bool flags_are_good(const struct rep_setup *setup)
{
	bool commands = memchr_inv(setup->steps, 0, sizeof(setup->steps));

	return setup->nr_flags <= REP_FLAGS_MAX && (!commands || setup->nr_flags == REP_FLAGS_MAX);
}

static int do_setup(const struct rep_setup *setup)
{
	char (*name)[REP_COUNTER_NAME];
	u32 i, nr;

	if (setup->version != REP_VERSION)
		return -EPROTO;
	if (rep_names.name)
		return -EBUSY;
	if (!setup->nr_counters || setup->nr_counters > REP_COUNTERS_MAX ||
	    !flags_are_good(setup) || setup->mtu_min < ETH_MIN_MTU || setup->mtu_max > ETH_MAX_MTU ||
	    setup->mtu_min > setup->mtu_max)
		return -EINVAL;
	nr = setup->nr_counters + setup->nr_flags;
	name = memdup_user(u64_to_user_ptr(setup->names), array_size(nr, sizeof(*name)));
	if (IS_ERR(name))
		return PTR_ERR(name);
	for (i = 0; i < nr; i++)
		name[i][REP_COUNTER_NAME - 1] = '\0';
	rep_names = (struct rep_names){ .nr = setup->nr_counters,
					.nr_flags = setup->nr_flags,
					.mtu_min = setup->mtu_min,
					.mtu_max = setup->mtu_max,
					.commands = memchr_inv(setup->steps, 0, sizeof(setup->steps)),
					.name = name };
	memcpy(rep_names.steps, setup->steps, sizeof(rep_names.steps));
	return 0;
}

static int do_create(struct rep_create *create)
{
	struct rep *rep;
	u32 slot;

	if (!rep_names.name)
		return -ENOTCONN;
	for (slot = 0; slot < REP_SLOTS_MAX && rep_slots[slot]; slot++)
		;
	if (slot == REP_SLOTS_MAX)
		return -ENOSPC;
	rep = rep_create(create, slot);
	if (IS_ERR(rep))
		return PTR_ERR(rep);
	rep_slots[slot] = rep;
	create->slot = slot;
	return 0;
}

static void give_up(struct rep *rep)
{
	rep_slots[rep->slot] = NULL;
	silence(rep);
	list_add_tail(&rep->link, &going);
	schedule_work(&destroyer);
}

static long setup_ioctl(const void __user *arg)
{
	struct rep_setup setup;

	return copy_from_user(&setup, arg, sizeof(setup)) ? -EFAULT : do_setup(&setup);
}

static long create_ioctl(void __user *arg)
{
	struct rep_create create;
	int ret;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	ret = do_create(&create);
	if (!ret && copy_to_user(arg, &create, sizeof(create))) {
		give_up(rep_slots[create.slot]);
		ret = -EFAULT;
	}
	return ret;
}

static long destroy_ioctl(const void __user *arg)
{
	struct rep *rep;
	u32 slot;

	if (copy_from_user(&slot, arg, sizeof(slot)))
		return -EFAULT;
	rep = rep_of(slot);
	if (!rep)
		return -ENODEV;
	give_up(rep);
	return 0;
}

static long state_ioctl(const void __user *arg)
{
	struct rep_state state;
	struct rep *rep;

	if (copy_from_user(&state, arg, sizeof(state)))
		return -EFAULT;
	rep = rep_of(state.slot);
	return rep ? rep_state(rep, &state) : -ENODEV;
}

static long filter_ioctl(void __user *arg)
{
	struct rep_filter *filter;
	struct rep *rep;
	long ret = 0;
	u32 slot;

	if (copy_from_user(&slot, arg, sizeof(slot)))
		return -EFAULT;
	rep = rep_of(slot);
	if (!rep)
		return -ENODEV;
	filter = kzalloc(sizeof(*filter), GFP_KERNEL);
	if (!filter)
		return -ENOMEM;
	filter->slot = slot;
	rep_filter(rep, filter);
	if (copy_to_user(arg, filter, sizeof(*filter)))
		ret = -EFAULT;
	kfree(filter);
	return ret;
}

static long rep_ioctl(struct file *file, unsigned int command, unsigned long number)
{
	void __user *arg = (void __user *)number;
	long ret;

	mutex_lock(&rep_lock);
	switch (command) {
	case REP_SETUP:
		ret = setup_ioctl(arg);
		break;
	case REP_CREATE:
		ret = create_ioctl(arg);
		break;
	case REP_DESTROY:
		ret = destroy_ioctl(arg);
		break;
	case REP_STATE:
		ret = state_ioctl(arg);
		break;
	case REP_FILTER:
		ret = filter_ioctl(arg);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&rep_lock);
	return ret;
}

/* The page stays while it is mapped, also if the netdev goes. */
static int rep_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct rep *rep;
	int ret = -ENODEV;

	if (vma->vm_end - vma->vm_start != PAGE_SIZE || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff >= REP_SLOTS_MAX)
		return -ENODEV;
	mutex_lock(&rep_lock);
	rep = rep_of(vma->vm_pgoff);
	if (rep)
		ret = vm_insert_page(vma, vma->vm_start, virt_to_page(rep->page));
	mutex_unlock(&rep_lock);
	return ret;
}

/* Not every capture is seen when it begins (rep_look()), so all are looked at here. */
static void look_at_all(void)
{
	u32 slot;

	mutex_lock(&rep_lock);
	for (slot = 0; slot < REP_SLOTS_MAX; slot++)
		if (rep_slots[slot])
			rep_look(rep_slots[slot]);
	mutex_unlock(&rep_lock);
}

static ssize_t rep_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct rep_request request;
	int ret = 0;

	if (len < sizeof(request))
		return -EINVAL;
	look_at_all();
	while (!take_request(&request)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(readers, !list_empty_careful(&requests));
		if (ret)
			return ret;
	}
	return copy_to_user(to, &request, sizeof(request)) ? -EFAULT : sizeof(request);
}

static __poll_t rep_poll(struct file *file, poll_table *table)
{
	poll_wait(file, &readers, table);
	return EPOLLOUT | EPOLLWRNORM | (list_empty_careful(&requests) ? 0 : EPOLLIN | EPOLLRDNORM);
}

static ssize_t rep_file_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	ssize_t ret;

	mutex_lock(&rep_lock);
	ret = rep_write(from, len);
	mutex_unlock(&rep_lock);
	return ret;
}

static int rep_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return atomic_cmpxchg(&users, 0, 1) ? -EBUSY : stream_open(inode, file);
}

/* Without vifd nothing here is true: the netdevs go with it. */
static int rep_release(struct inode *inode, struct file *file)
{
	u32 slot;

	mutex_lock(&rep_lock);
	for (slot = 0; slot < REP_SLOTS_MAX; slot++)
		if (rep_slots[slot])
			give_up(rep_slots[slot]);
	mutex_unlock(&rep_lock);
	flush_work(&destroyer);
	kfree(rep_names.name);
	rep_names = (struct rep_names){};
	atomic_set(&users, 0);
	return 0;
}

static const struct file_operations rep_files = {
	.owner = THIS_MODULE,
	.open = rep_open,
	.release = rep_release,
	.unlocked_ioctl = rep_ioctl,
	.mmap = rep_mmap,
	.read = rep_read,
	.write = rep_file_write,
	.poll = rep_poll,
};

static struct miscdevice rep_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vifd-rep",
	.fops = &rep_files,
	.mode = 0600,
};

static int __init rep_init(void)
{
	BUILD_BUG_ON(sizeof(struct rep_page) > REP_PAGE_BYTES || REP_PAGE_BYTES > PAGE_SIZE);
	BUILD_BUG_ON(REP_COUNTER_NAME != ETH_GSTRING_LEN || REP_NAME != IFNAMSIZ);
	return misc_register(&rep_device);
}

static void __exit rep_exit(void)
{
	misc_deregister(&rep_device);
	flush_work(&destroyer);
}

module_init(rep_init);
module_exit(rep_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Network devices that stand for the interfaces that vifd serves");
