/* threads.c: the one file that knows how systems differ in their threads. */
#define _POSIX_C_SOURCE 200809L

#include "program/threads.h"

#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

_Static_assert(sizeof(pg_lock) == sizeof(SRWLOCK) && sizeof(pg_condition) == sizeof(CONDITION_VARIABLE),
               "a pointer each");

static PSRWLOCK of_system(pg_lock *lock)
{
    return (PSRWLOCK)(void *)lock;
}

void pg_take_lock(pg_lock *lock)
{
    AcquireSRWLockExclusive(of_system(lock));
}

void pg_give_lock(pg_lock *lock)
{
    ReleaseSRWLockExclusive(of_system(lock));
}

int pg_wait(pg_condition *condition, pg_lock *lock, unsigned milliseconds)
{
    return SleepConditionVariableSRW((PCONDITION_VARIABLE)(void *)condition, of_system(lock), milliseconds, 0) != 0;
}

void pg_wake(pg_condition *condition)
{
    WakeConditionVariable((PCONDITION_VARIABLE)(void *)condition);
}

static DWORD WINAPI begin(void *run)
{
    void (*function)(void) = (void (*)(void))(uintptr_t)run;
    function();
    return 0;
}

int pg_start_thread(void (*run)(void))
{
    const HANDLE thread = CreateThread(NULL, 0, begin, (void *)(uintptr_t)run, 0, NULL);
    if (thread == NULL)
        return 0;
    CloseHandle(thread);
    return 1;
}

void pg_when_forked(void (*forget)(void))
{
    (void)forget; /* nobody forks */
}

#else

#include <signal.h>
#include <time.h>

enum { STACK = 1 << 21 }; /* bytes: some systems give a thread next to nothing */

void pg_take_lock(pg_lock *lock)
{
    pthread_mutex_lock(lock);
}

void pg_give_lock(pg_lock *lock)
{
    pthread_mutex_unlock(lock);
}

int pg_wait(pg_condition *condition, pg_lock *lock, unsigned milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    const long nanoseconds = until.tv_nsec + (long)(milliseconds % 1000) * 1000000;
    until.tv_sec += (time_t)(milliseconds / 1000) + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    return pthread_cond_timedwait(condition, lock, &until) == 0;
}

void pg_wake(pg_condition *condition)
{
    pthread_cond_signal(condition);
}

static void *begin(void *run)
{
    void (*function)(void) = (void (*)(void))(uintptr_t)run;
    function();
    return NULL;
}

/* A signal that this thread got would not wake the one that Python runs handlers in. */
static int start(const pthread_attr_t *attributes, void (*run)(void))
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int outcome = pthread_create(&thread, attributes, begin, (void *)(uintptr_t)run);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return outcome == 0;
}

int pg_start_thread(void (*run)(void))
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return 0;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    const int started = start(&attributes, run);
    pthread_attr_destroy(&attributes);
    return started;
}

void pg_when_forked(void (*forget)(void))
{
    pthread_atfork(NULL, NULL, forget);
}

#endif

void pg_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
