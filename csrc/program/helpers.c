/* helpers.c: the threads that help, all of one kind, and the tasks that they may help with. */
#include "program/helpers.h"

enum {
    MOST = 256,
    KEPT = 5000, /* milliseconds without work, before a helper ends */
    LOOK = 20,   /* milliseconds between two looks for what else is to be done */
    PAUSES = 500 /* before the thread that called sleeps until the last helper has ended */
};

static pg_lock lock = PG_LOCK_FREE; /* of what follows, and of all that is in tasks for this file */
static pg_condition called = PG_CONDITION_NEW;
static pg_task *tasks;     /* with which more may help, from the first */
static size_t idle;        /* helpers that wait for a task, or begin to */
static size_t count;       /* all helpers */
static unsigned forks;     /* that have led to this process */
static int knows_of_forks;

static void forget(void)
{
    lock = (pg_lock)PG_LOCK_FREE;
    called = (pg_condition)PG_CONDITION_NEW;
    tasks = NULL;
    idle = count = 0;
    forks++;
}

void pg_take_tasks(void)
{
    pg_take_lock(&lock);
    if (!knows_of_forks)
        pg_when_forked(forget);
    knows_of_forks = 1;
}

void pg_give_tasks(void)
{
    pg_give_lock(&lock);
}

/* -- tasks, under the lock ---------------------------------------------------------------------- */

static void withdraw(const pg_task *task)
{
    for (pg_task **at = &tasks; *at != NULL; at = &(*at)->next)
        if (*at == task) {
            *at = task->next;
            return;
        }
}

/* How many helpers all tasks want. */
static size_t demand(void)
{
    size_t sum = 0;
    for (const pg_task *t = tasks; t != NULL; t = t->next)
        sum += t->wanted;
    return sum;
}

/* Work with the first task; one that wants no more helpers is none for others. */
static void help(pg_task *task)
{
    const size_t who = ++task->came;
    task->at_work++;
    if (--task->wanted == 0)
        withdraw(task);
    pg_give_lock(&lock);
    fesetenv(&task->rounding);
    task->work(task, who);
    pg_take_lock(&lock);
    __atomic_sub_fetch(&task->at_work, 1, __ATOMIC_RELEASE);
    pg_wake(&task->ended);
}

/* A helper's life. */
static void serve(void)
{
    int woken = 1;
    pg_take_lock(&lock);
    while (woken || tasks != NULL) {
        if (tasks == NULL) {
            woken = pg_wait(&called, &lock, KEPT);
            continue;
        }
        idle--;
        help(tasks);
        idle++;
        woken = 1;
    }
    idle--;
    count--;
    pg_give_lock(&lock);
}

/* -- whoever has work --------------------------------------------------------------------------- */

static void announce(pg_task *task)
{
    pg_take_tasks();
    task->forks = forks;
    task->next = NULL;
    pg_task **last = &tasks;
    while (*last != NULL)
        last = &(*last)->next;
    *last = task;
    for (size_t missing = demand(); missing > idle && count < MOST && pg_start_thread(serve);)
        idle++, count++;
    const size_t calls = task->wanted < idle ? task->wanted : idle;
    pg_give_lock(&lock);
    for (size_t i = 0; i < calls; i++)
        pg_wake(&called);
}

static size_t helpers_at_work(const pg_task *task)
{
    return __atomic_load_n(&task->at_work, __ATOMIC_ACQUIRE);
}

/* True unless helpers were lost. */
static int end(pg_task *task)
{
    pg_take_lock(&lock);
    withdraw(task);
    while (task->forks == forks && helpers_at_work(task) != 0) {
        pg_give_lock(&lock);
        for (int i = 0; i < PAUSES && helpers_at_work(task) != 0; i++)
            pg_pause();
        pg_take_lock(&lock);
        if (helpers_at_work(task) == 0 || pg_wait(&task->ended, &lock, LOOK))
            continue;
        pg_give_lock(&lock);
        task->look(task);
        pg_take_lock(&lock);
    }
    const int whole = task->forks == forks;
    pg_give_lock(&lock);
    return whole;
}

int pg_with_helpers(pg_task *task, size_t most)
{
    task->wanted = most;
    task->came = task->at_work = 0;
    task->ended = (pg_condition)PG_CONDITION_NEW;
    fegetenv(&task->rounding);
    announce(task);
    task->work(task, 0);
    return end(task);
}
